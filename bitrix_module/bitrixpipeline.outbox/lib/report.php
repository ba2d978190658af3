<?php
namespace Bitrixpipeline\Outbox;

/** What a run of the sender did. */
class Report
{
    public const DONE = 'nothing more is due';

    /** @var int */
    public $delivered = 0;
    /** @var int there was nothing (any more) to tell */
    public $dropped = 0;
    /** @var int */
    public $failed = 0;
    /** @var int */
    public $dead = 0;
    /** @var string why it ended */
    public $stopped = self::DONE;

    public function facts(): array
    {
        return get_object_vars($this);
    }
}
