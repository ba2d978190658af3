<?php
// Makes the module's options those that look.php has written to FILE, whether the module is there or not:
//   php -- DOCUMENT_ROOT FILE < import.php
const MODULE = 'bitrixpipeline.outbox';
// Bitrix ends with die() where the database is away, and so with success.
// A name of our own: a shop's init.php runs in this scope.
$bitrixpipelineIsDone = false;
register_shutdown_function(function () use (&$bitrixpipelineIsDone) {
    if (!$bitrixpipelineIsDone) {
        exit(1);
    }
});
$_SERVER['DOCUMENT_ROOT'] = $argv[1];
define('NO_KEEP_STATISTIC', true);
define('NOT_CHECK_PERMISSIONS', true);
define('NO_AGENT_CHECK', true);
define('STOP_STATISTICS', true);
// No session is begun.
define('BX_SECURITY_SESSION_VIRTUAL', true);
require "$argv[1]/bitrix/modules/main/include/prolog_before.php";
while (ob_get_level()) {
    ob_end_clean();
}
use Bitrix\Main\Config\Option;

$options = json_decode((string)file_get_contents($argv[2]), true);
if (!is_array($options)) {
    exit;
}
// REST's credentials do not go back with a backup: what is known of ours stays.
$ofWebhook = array_flip(array('webhook_id', 'webhook_user'));
$options = array_diff_key($options, $ofWebhook) + array_intersect_key(Option::getForModule(MODULE), $ofWebhook);
Option::delete(MODULE);
foreach ($options as $name => $value) {
    Option::set(MODULE, (string)$name, (string)$value);
}
$bitrixpipelineIsDone = true;
