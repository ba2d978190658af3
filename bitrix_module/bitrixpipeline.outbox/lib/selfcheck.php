<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\ModuleManager;

/** How the module is doing, without an address, a secret or a row. */
class SelfCheck
{
    /** The agent is due each minute. */
    public const AGENT_IS_LATE = 600;

    public static function facts(): array
    {
        $complaint = Sender::complaint();
        $agent = Agent::row();
        return [
            'version' => (string)ModuleManager::getVersion(Settings::MODULE),
            'schemaVersion' => Schema::stored(),
            'php' => PHP_VERSION,
            'enabled' => Settings::isEnabled(),
            'complaint' => $complaint === '' ? null : $complaint,
            'missing' => Requirements::missing(),
            'secrets' => count(Settings::secrets()),
            'agents' => self::agents(),
            'agent' => self::stateOf($agent),
            'agentRanSecondsAgo' => isset($agent['AGO']) ? (int)$agent['AGO'] : null,
            'databaseClockOffSeconds' => self::clockOff(),
            'outbox' => (new Desk())->counts() + (new State(Application::getConnection()))->read(),
        ];
    }

    /** What runs the site's agents: cron, hits, a script of the shop's own, or nothing (off). */
    public static function agents(): string
    {
        if (self::agentsUseCron()) {
            return 'cron';
        }
        if (Option::get('main', 'check_agents', 'Y') === 'Y') {
            return 'hits';
        }
        return self::hasRunLately(Agent::row()) ? 'script' : 'off';
    }

    private static function stateOf(?array $agent): string
    {
        return $agent === null ? 'missing' : ($agent['ACTIVE'] === 'Y' ? 'active' : 'inactive');
    }

    private static function hasRunLately(?array $agent): bool
    {
        return isset($agent['AGO']) && (int)$agent['AGO'] < self::AGENT_IS_LATE;
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
