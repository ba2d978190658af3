<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/** Bitrix evaluates the agent's name as PHP and takes what it returns for the next call. */
class Agent
{
    public const NAME = '\Bitrixpipeline\Outbox\Agent::run();';
    private const SECONDS = 60;

    public static function run(): string
    {
        try {
            self::noteLack();
            self::isNobodyWaiting() ? self::send() : self::sendBriefly();
        } catch (\Throwable $fault) {
            Journal::error('the agent failed', ['fault' => Journal::name($fault)]);
        }
        return self::NAME;
    }

    public static function send(): Report
    {
        $sender = Sender::here();
        $report = $sender->run(PHP_INT_MAX, Settings::number('run_seconds'), Settings::number('timeout'));
        if ($report->delivered === 0) {
            $sender->mergeWaiting(Settings::number('run_seconds'));
        }
        return $report;
    }

    private static function noteLack(): void
    {
        $lack = Settings::isEnabled() ? Sender::lack() : '';
        if ((new State(Application::getConnection()))->noteLack($lack)) {
            Journal::error('nothing can be sent', ['why' => $lack]);
        }
    }

    /** As many as go within the fast path's seconds, which a visitor may spend waiting for the page. */
    private static function sendBriefly(): void
    {
        $seconds = Settings::number('fast_timeout');
        $deadline = new Deadline($seconds);
        $sender = Sender::here();
        if ($sender->run(PHP_INT_MAX, $seconds, $seconds)->delivered === 0 && !$deadline->isOver()) {
            $sender->mergeWaiting($deadline->left());
        }
    }

    /** By cron, at a shell, or after the response: Bitrix runs agents behind it where it can close it. */
    private static function isNobodyWaiting(): bool
    {
        return PHP_SAPI === 'cli' || (defined('BX_CRONTAB') && BX_CRONTAB === true)
            || (function_exists('fastcgi_finish_request') && headers_sent());
    }

    /** Unless it is there. One that somebody has switched off in Bitrix's list of agents stays so. */
    public static function add(): void
    {
        $row = self::row();
        if (!$row || (int)$row['AGENT_INTERVAL'] !== self::SECONDS) {
            \CAgent::RemoveModuleAgents(Settings::MODULE);
            \CAgent::AddAgent(self::NAME, Settings::MODULE, 'N', self::SECONDS, '', 'Y', '', 100);
        }
    }

    /** ACTIVE, AGENT_INTERVAL, seconds since its last run (AGO, null before the first) and since it was DUE; null when there is none. */
    public static function row(): ?array
    {
        $connection = Application::getConnection();
        $name = $connection->getSqlHelper()->forSql(self::NAME);
        // Bitrix keeps the session's own time there.
        return $connection->query(
            'SELECT ACTIVE, AGENT_INTERVAL, TIMESTAMPDIFF(SECOND, LAST_EXEC, NOW()) AS AGO,'
            . ' TIMESTAMPDIFF(SECOND, NEXT_EXEC, NOW()) AS DUE FROM b_agent'
            . " WHERE MODULE_ID = '" . Settings::MODULE . "' AND NAME = '$name'"
        )->fetchRaw() ?: null;
    }
}
