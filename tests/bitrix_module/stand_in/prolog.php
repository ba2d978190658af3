<?php
// What bitrix/modules/main/include/prolog_before.php of a throw-away site includes.
error_reporting(E_ALL);
// Whatever PHP complains of is a failure: shops show notices to buyers.
set_error_handler(static function ($level, $message, $file, $line) {
    throw new ErrorException($message, 0, $level, $file, $line);
});
if (PHP_SAPI === 'cli' && headers_sent()) {
    throw new RuntimeException('Could not start session because headers have already been sent.');
}
// A shop's init.php runs in the scope of whoever has asked for Bitrix, and sets what variables it likes.
$url = $root = $lines = $failed = $code = $isDone = $options = $facts = $module = 'of the shop';
define('B_PROLOG_INCLUDED', true);
define('LANGUAGE_ID', getenv('STAND_IN_LANGUAGE') ?: 'en');
require dirname(__DIR__, 3) . '/bitrix_pipeline/demo/site/database.php';
require __DIR__ . '/main.php';
require __DIR__ . '/legacy.php';
require __DIR__ . '/sale.php';
$GLOBALS['APPLICATION'] = new CMain();
$GLOBALS['USER'] = new CUser();
