<?php
// One hit of a site: php hit.php DOCUMENT_ROOT < code. Then the response would be flushed, and the jobs run.
$_SERVER['DOCUMENT_ROOT'] = $argv[1];
require $argv[1] . '/bitrix/modules/main/include/prolog_before.php';
$APPLICATION = $GLOBALS['APPLICATION'];
$fire = static function ($module, $event, array $arguments) {
    return Bitrix\Main\EventManager::getInstance()->fire($module, $event, $arguments);
};
eval(stream_get_contents(STDIN));
Bitrix\Main\Application::getInstance()->terminate();
