<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\ModuleManager;

/** How the module is doing, without an address, a secret or a row. */
class SelfCheck
{
    public static function facts(): array
    {
        $complaint = Sender::complaint();
        return [
            'version' => (string)ModuleManager::getVersion(Settings::MODULE),
            'schemaVersion' => Schema::stored(),
            'php' => PHP_VERSION,
            'enabled' => Settings::isEnabled(),
            'complaint' => $complaint === '' ? null : $complaint,
            'missing' => Requirements::missing(),
            'secrets' => count(Settings::secrets()),
            'agents' => self::agents(),
            'databaseClockOffSeconds' => self::clockOff(),
            'outbox' => (new Desk())->counts() + (new State(Application::getConnection()))->read(),
        ];
    }

    public static function agents(): string
    {
        if (Option::get('main', 'check_agents', 'Y') !== 'Y' && !self::agentsUseCron()) {
            return 'off';
        }
        return self::agentsUseCron() ? 'cron' : 'hits';
    }

    private static function agentsUseCron(): bool
    {
        return Option::get('main', 'agents_use_crontab', 'N') === 'Y' || (defined('BX_CRONTAB_SUPPORT') && BX_CRONTAB_SUPPORT === true);
    }

    private static function clockOff(): int
    {
        return (int)Application::getConnection()->queryScalar('SELECT UNIX_TIMESTAMP()') - time();
    }
}
