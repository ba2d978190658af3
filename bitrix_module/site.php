<?php
// What is on a site, from outside, so that it answers where the module's own files are missing or broken:
//   php -- DOCUMENT_ROOT facts < site.php          files=yes installed=no outbox=no webhook=no, as the last line
//   php -- DOCUMENT_ROOT options FILE < site.php   writes the module's options there, as JSON
//   php -- DOCUMENT_ROOT import FILE < site.php    makes the options what was written there
use Bitrix\Main\Config\Option;

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
if ($argv[2] === 'options') {
    $options = Option::getForModule(MODULE);
    ksort($options);
    $written = file_put_contents($argv[3], json_encode($options, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR) . "\n");
    $bitrixpipelineIsDone = (bool)$written;
    exit;
}
if ($argv[2] === 'import') {
    $options = json_decode((string)file_get_contents($argv[3]), true, 512, JSON_THROW_ON_ERROR);
    // REST's credentials do not go back with a backup: what is known of ours stays.
    $ofWebhook = array_flip(array('webhook_id', 'webhook_user'));
    $options = array_diff_key($options, $ofWebhook) + array_intersect_key(Option::getForModule(MODULE), $ofWebhook);
    Option::delete(MODULE);
    foreach ($options as $name => $value) {
        Option::set(MODULE, (string)$name, (string)$value);
    }
    $bitrixpipelineIsDone = true;
    exit;
}
$tables = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'b\\_bitrixpipeline\\_%'";
$facts = array(
    'files' => file_exists("$argv[1]/local/modules/" . MODULE . '/tools/cli.php'),
    'installed' => \Bitrix\Main\ModuleManager::isModuleInstalled(MODULE),
    'outbox' => \Bitrix\Main\Application::getConnection()->queryScalar($tables) > 0,
    'webhook' => Option::get(MODULE, 'webhook_id', '') !== '',
);
foreach ($facts as $name => $is) {
    $facts[$name] = "$name=" . ($is ? 'yes' : 'no');
}
echo "\n", implode(' ', $facts), "\n";
$bitrixpipelineIsDone = true;
