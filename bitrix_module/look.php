<?php
// Looks at what is on a site from outside, so that it answers where the module's own files are missing or broken:
//   php -- DOCUMENT_ROOT facts < look.php           files=yes installed=no outbox=no webhook=no, as the last line
//   php -- DOCUMENT_ROOT options FILE < look.php    writes the module's options there, as JSON
// Nothing on the site is changed.
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
    $options = \Bitrix\Main\Config\Option::getForModule(MODULE);
    ksort($options);
    $written = file_put_contents($argv[3], json_encode($options, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR) . "\n");
    $bitrixpipelineIsDone = (bool)$written;
    exit;
}
$tables = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'b\\_bitrixpipeline\\_%'";
$facts = array(
    'files' => file_exists("$argv[1]/local/modules/" . MODULE . '/tools/cli.php'),
    'installed' => \Bitrix\Main\ModuleManager::isModuleInstalled(MODULE),
    'outbox' => \Bitrix\Main\Application::getConnection()->queryScalar($tables) > 0,
    'webhook' => \Bitrix\Main\Config\Option::get(MODULE, 'webhook_id', '') !== '',
);
foreach ($facts as $name => $is) {
    $facts[$name] = "$name=" . ($is ? 'yes' : 'no');
}
echo "\n", implode(' ', $facts), "\n";
$bitrixpipelineIsDone = true;
