<?php
use Bitrix\Main\Config\Option;
use Bitrix\Main\Loader;
use Bitrixpipeline\Outbox\Agent;
use Bitrixpipeline\Outbox\Desk;
use Bitrixpipeline\Outbox\IncomingWebhook;
use Bitrixpipeline\Outbox\Schema;
use Bitrixpipeline\Outbox\SelfCheck;
use Bitrixpipeline\Outbox\Sender;
use Bitrixpipeline\Outbox\Settings;
use Bitrixpipeline\Outbox\Signature;
use Bitrixpipeline\Outbox\WebhookProblem;

const BITRIXPIPELINE_MODULE = 'bitrixpipeline.outbox';

/** The exit code. */
function bitrixpipeline_outbox_command(array $words): int
{
    $commands = [
        'install' => 'install', 'uninstall' => 'uninstall', 'set' => 'set',
        'ping' => 'ping', 'send' => 'send', 'status' => 'status', 'retry' => 'retry', 'create-webhook' => 'create_webhook',
    ];
    $command = (string)array_shift($words);
    if (!isset($commands[$command])) {
        fwrite(STDERR, 'commands: ' . implode(', ', array_keys($commands)) . "\n");
        return 2;
    }
    try {
        return (int)call_user_func('bitrixpipeline_outbox_' . $commands[$command], ...$words);
    } catch (\Throwable $fault) {
        fwrite(STDERR, get_class($fault) . ' at ' . basename($fault->getFile()) . ':' . $fault->getLine() . "\n");
        return 1;
    }
}

function bitrixpipeline_outbox_load(): void
{
    spl_autoload_register(static function (string $class): void {
        $file = dirname(__DIR__) . '/lib/' . strtolower(substr($class, 22)) . '.php';
        if (strpos($class, 'Bitrixpipeline\\Outbox\\') === 0 && is_file($file)) {
            require_once $file;
        }
    });
    Loader::includeModule(BITRIXPIPELINE_MODULE);
}

function bitrixpipeline_outbox_install(): int
{
    $module = CModule::CreateModuleObject(BITRIXPIPELINE_MODULE);
    if (!$module || $module->DoInstall() !== true) {
        global $APPLICATION;
        $exception = $APPLICATION->GetException();
        fwrite(STDERR, ($exception ? $exception->GetString() : 'Bitrix does not find the module') . "\n");
        return 1;
    }
    return 0;
}

function bitrixpipeline_outbox_uninstall(string $keep = ''): int
{
    $_REQUEST['keep_outbox'] = $keep === '--keep-outbox' ? 'Y' : 'N';
    $module = CModule::CreateModuleObject(BITRIXPIPELINE_MODULE);
    $isDone = $module->DoUninstall();
    if ($module->webhook !== '') {
        fwrite(STDERR, "{$module->webhook}\n");
    }
    return $isDone ? 0 : 1;
}

/** The value comes on standard input: arguments can be seen by every user of the machine. */
function bitrixpipeline_outbox_set(string $name = ''): int
{
    bitrixpipeline_outbox_load();
    $value = trim((string)stream_get_contents(STDIN));
    $words = preg_split('/[\s,]+/', $value, -1, PREG_SPLIT_NO_EMPTY);
    if ($name === 'url' && !Settings::isUrl($value)) {
        fwrite(STDERR, "the address is malformed: https://crm.example/webhooks/bitrix, without a login\n");
        return 1;
    }
    if ($name === 'secrets' && (!$words || array_filter($words, [Signature::class, 'isSecret']) !== $words)) {
        fwrite(STDERR, "a secret is malformed: whsec_ and the base64 of 24 to 64 bytes\n");
        return 1;
    }
    $counts = ['url' => Settings::url(), 'secrets' => implode(' ', Settings::secrets())];
    $source = isset($counts[$name]) ? Settings::source($name) : '';
    if (!in_array($source, ['environment', 'file'], true)) {
        Option::set(BITRIXPIPELINE_MODULE, $name, $value);
        return 0;
    }
    if ($counts[$name] === implode(' ', $words)) {
        return 0;
    }
    $where = $source === 'file' ? '.settings.php' : "the environment of the site's PHP";
    fwrite(STDERR, "$name is set in $where to something else, which counts first: change it there\n");
    return 1;
}

function bitrixpipeline_outbox_ping(): int
{
    bitrixpipeline_outbox_load();
    $fault = Sender::lack() ?: Sender::here()->fault(Settings::number('timeout'));
    if (Settings::isUrlOpen()) {
        fwrite(STDERR, "customers' data go there unencrypted: give an https address\n");
    }
    fwrite($fault === '' ? STDOUT : STDERR, 'receiver: ' . ($fault ?: 'confirmed') . "\n");
    return $fault === '' ? 0 : 1;
}

function bitrixpipeline_outbox_send(): int
{
    bitrixpipeline_outbox_load();
    echo json_encode(Agent::send()->facts()), "\n";
    return 0;
}

function bitrixpipeline_outbox_status(): int
{
    bitrixpipeline_outbox_load();
    echo json_encode(SelfCheck::facts(), JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
    return 0;
}

function bitrixpipeline_outbox_retry(): int
{
    bitrixpipeline_outbox_load();
    echo (new Desk())->retry([], PHP_INT_MAX)['dead'], "\n";
    return 0;
}

/** The address on standard output, whatever else there is to say on standard error. */
function bitrixpipeline_outbox_create_webhook(string $userId = '1', string $replace = ''): int
{
    bitrixpipeline_outbox_load();
    try {
        $user = (int)$userId;
        $address = $replace === '--replace' ? IncomingWebhook::replace($user) : IncomingWebhook::create($user);
        echo "$address\n";
        if (strpos($address, IncomingWebhook::UNKNOWN_SITE)) {
            fwrite(STDERR, 'Bitrix does not know the site by name: put its name in place of ' . IncomingWebhook::UNKNOWN_SITE . "\n");
        }
        return 0;
    } catch (WebhookProblem $problem) {
        fwrite(STDERR, $problem->getMessage() . ($problem->isThereOne ? " To replace it: bitrix_module/deploy --replace-webhook $userId" : '') . "\n");
        return $problem->isThereOne ? 0 : 1;
    }
}
