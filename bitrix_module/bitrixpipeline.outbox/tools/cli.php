<?php
// What bitrix_module/deploy calls on the server: php -f tools/cli.php COMMAND [ARGUMENT…]
if (PHP_SAPI !== 'cli') {
    http_response_code(404);
    die();
}
define('NO_KEEP_STATISTIC', true);
define('NOT_CHECK_PERMISSIONS', true);
define('BX_NO_ACCELERATOR_RESET', true);
define('STOP_STATISTICS', true);
// No session is begun.
define('BX_SECURITY_SESSION_VIRTUAL', true);
define('NO_AGENT_CHECK', true);

// Names of our own: a shop's init.php runs in this scope. Bitrix ends with die() where the database is away, and so with success.
$bitrixpipelineCode = 1;
register_shutdown_function(static function () use (&$bitrixpipelineCode): void {
    exit($bitrixpipelineCode);
});
$_SERVER['DOCUMENT_ROOT'] = getenv('BITRIX_DOCUMENT_ROOT') ?: dirname(__DIR__, 4);
require $_SERVER['DOCUMENT_ROOT'] . '/bitrix/modules/main/include/prolog_before.php';
while (ob_get_level()) {
    ob_end_clean();
}
require __DIR__ . '/commands.php';
$bitrixpipelineCode = bitrixpipeline_outbox_command(array_slice($argv, 1));
exit($bitrixpipelineCode);
