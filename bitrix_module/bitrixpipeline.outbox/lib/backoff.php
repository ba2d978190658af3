<?php
namespace Bitrixpipeline\Outbox;

/** How long to wait: twice as long each time, and never the same for two senders. */
class Backoff
{
    private const FIRST = 5;
    public const MOST_OF_EVENT = 10800;
    private const MOST_OF_OUTAGE = 120;
    public const MOST_ASKED_FOR = 600;

    public static function ofEvent(int $attempts): float
    {
        return self::jittered(self::FIRST, $attempts, self::MOST_OF_EVENT);
    }

    public static function ofOutage(int $failures, int $askedFor = 0): float
    {
        return max(self::jittered(1, $failures, self::MOST_OF_OUTAGE), min($askedFor, self::MOST_ASKED_FOR));
    }

    private static function jittered(int $first, int $doublings, int $most): float
    {
        $full = min($most, $first * 2 ** min($doublings, 20));
        return $full * random_int(500, 1000) / 1000;
    }
}
