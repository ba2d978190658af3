<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/** Sends at once, after the buyer has the page. What does not succeed here the agent does. */
class FastPath
{
    private const MOST_EVENTS = 10;

    private static $isScheduled = false;

    public static function schedule(): void
    {
        if (self::$isScheduled || !self::isWanted()) {
            return;
        }
        $application = Application::getInstance();
        if (method_exists($application, 'addBackgroundJob')) {
            self::$isScheduled = true;
            $application->addBackgroundJob([self::class, 'run']);
        }
    }

    public static function run(): void
    {
        self::$isScheduled = false;
        try {
            self::closeResponse();
            $timeout = Settings::number('fast_timeout');
            Sender::here()->run(self::MOST_EVENTS, $timeout, $timeout);
        } catch (\Throwable $fault) {
            Journal::error('the fast path failed', ['fault' => Journal::name($fault)]);
        }
    }

    /** Where the server cannot close the response first, the buyer would wait. */
    private static function isWanted(): bool
    {
        $setting = Settings::fastPath();
        return $setting === 'always' || ($setting === 'auto' && self::canCloseResponse());
    }

    /** Bitrix itself, when it has sent the page, closes it under PHP-FPM only. */
    private static function closeResponse(): void
    {
        if (!function_exists('fastcgi_finish_request') && function_exists('litespeed_finish_request')) {
            litespeed_finish_request();
        }
    }

    private static function canCloseResponse(): bool
    {
        return function_exists('fastcgi_finish_request') || function_exists('litespeed_finish_request');
    }
}
