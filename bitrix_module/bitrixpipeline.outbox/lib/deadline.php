<?php
namespace Bitrixpipeline\Outbox;

/** When work must end, by a clock that nobody sets: the time of day may jump back, and the work would go on. */
class Deadline
{
    private $at;

    public function __construct(float $seconds)
    {
        $this->at = self::now() + $seconds;
    }

    public function isOver(): bool
    {
        return $this->left() <= 0;
    }

    /** Seconds; below zero when it is over. */
    public function left(): float
    {
        return $this->at - self::now();
    }

    private static function now(): float
    {
        return hrtime(true) / 1e9;
    }
}
