<?php
namespace Bitrixpipeline\Outbox;

/** One claimed row of the outbox. */
class Message
{
    /** @var int */
    public $id;
    /** @var string */
    public $uid;
    /** @var string */
    public $type;
    /** @var int */
    public $entityId;
    /** @var int|null */
    public $iblockId;
    /** @var string */
    public $origin;
    /** @var int senders that began with it and did not end */
    public $begun;
    /** @var int */
    public $attempts;
    /** @var int */
    public $refusals;
    /** @var int seconds since it was noted */
    public $age;
    /** @var string|null what was sent before and must be sent again, byte for byte */
    public $body;
    /** @var string */
    public $lease;

    public function __construct(array $row)
    {
        $this->id = (int)$row['ID'];
        $this->uid = (string)$row['UID'];
        $this->type = (string)$row['TYPE'];
        $this->entityId = (int)$row['ENTITY_ID'];
        $this->iblockId = $row['IBLOCK_ID'] === null ? null : (int)$row['IBLOCK_ID'];
        $this->origin = (string)$row['ORIGIN'];
        $this->begun = (int)$row['BEGUN'];
        $this->attempts = (int)$row['ATTEMPTS'];
        $this->refusals = (int)$row['REFUSALS'];
        $this->age = (int)$row['AGE'];
        $this->body = $row['BODY'] === null ? null : (string)$row['BODY'];
        $this->lease = (string)$row['LEASE'];
    }

    public function entity(): string
    {
        return explode('.', $this->type)[0];
    }

    public function verb(): string
    {
        return explode('.', $this->type)[1] ?? '';
    }
}
