<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\ModuleManager;

/** How the module is doing, without an address, a secret or a row. */
class SelfCheck
{
    /** Seconds; the agent is due each minute, and a run of it takes five at most. */
    private const LATE = 600;

    public static function facts(): array
    {
        $complaint = Sender::complaint();
        $agent = Agent::row();
        $outbox = (new Desk())->counts() + (new State(Application::getConnection()))->read();
        return [
            'version' => (string)ModuleManager::getVersion(Settings::MODULE),
            'schemaVersion' => Schema::stored(),
            'php' => PHP_VERSION,
            'enabled' => Settings::isEnabled(),
            'complaint' => $complaint === '' ? null : $complaint,
            'missing' => Requirements::missing(),
            'secrets' => count(Settings::secrets()),
            'agents' => self::agents($agent),
            'agent' => self::stateOf($agent, $outbox['oldest_seconds']),
            'agentRanSecondsAgo' => isset($agent['AGO']) ? (int)$agent['AGO'] : null,
            'databaseClockOffSeconds' => self::clockOff(),
            'outbox' => $outbox,
        ];
    }

    /** What runs the site's agents: cron, hits, a script of the shop's own, or nothing (off). */
    private static function agents(?array $agent): string
    {
        $areChecked = Option::get('main', 'check_agents', 'Y') === 'Y';
        if (!$areChecked && isset($agent['AGO']) && (int)$agent['AGO'] >= self::LATE) {
            return 'off';
        }
        if (self::agentsUseCron()) {
            return 'cron';
        }
        if ($areChecked) {
            return 'hits';
        }
        return isset($agent['AGO']) ? 'script' : 'off';
    }

    /** missing, inactive, late or active. A new agent is due since midnight: whether it is late, what waits for it says. */
    private static function stateOf(?array $agent, int $waited): string
    {
        if ($agent === null || $agent['ACTIVE'] !== 'Y') {
            return $agent === null ? 'missing' : 'inactive';
        }
        $late = $agent['AGO'] === null ? $waited : (int)$agent['DUE'];
        return $late >= self::LATE ? 'late' : 'active';
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
