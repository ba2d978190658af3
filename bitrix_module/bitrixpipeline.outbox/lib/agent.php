<?php
namespace Bitrixpipeline\Outbox;

/** Bitrix evaluates the agent's name as PHP and takes what it returns for the next call. */
class Agent
{
    public const NAME = '\Bitrixpipeline\Outbox\Agent::run();';
    private const SECONDS = 60;

    public static function run(): string
    {
        try {
            self::send();
        } catch (\Throwable $fault) {
            Journal::error('the agent failed', ['fault' => Journal::name($fault)]);
        }
        return self::NAME;
    }

    public static function send(): Report
    {
        $sender = Sender::here();
        $report = $sender->run(PHP_INT_MAX, (float)Settings::number('run_seconds'), Settings::number('timeout'));
        if ($report->delivered === 0) {
            $sender->mergeWaiting((float)Settings::number('run_seconds'));
        }
        return $report;
    }

    public static function add(): void
    {
        \CAgent::RemoveModuleAgents(Settings::MODULE);
        \CAgent::AddAgent(self::NAME, Settings::MODULE, 'N', self::SECONDS, '', 'Y', '', 100);
    }
}
