<?php
namespace Bitrixpipeline\Outbox;

/** Decides what a claimed event says, at the moment of its sending. */
class Composer
{
    /** Senders that ended with it: the rows may be more than PHP's memory holds. */
    private const BEGUN_WITHOUT_SNAPSHOT = 3;
    private const ARCHIVING_SECONDS = 300;

    public const NOTHING = null;

    private $connection;
    private $outbox;
    private $snapshot;

    public function __construct($connection, Outbox $outbox)
    {
        $this->connection = $connection;
        $this->outbox = $outbox;
        $this->snapshot = new Snapshot(new Rows($connection));
    }

    /** The body; NOTHING when there is nothing to tell. Throws TooEarly. */
    public function compose(Message $message): ?string
    {
        if (!$this->isOurs($message)) {
            return self::NOTHING;
        }
        if ($message->type === 'order.archived' && $this->snapshot->hasOrder($message->entityId)) {
            return $this->composeUnarchived($message);
        }
        // Before the rows are read: what is saved meanwhile is news of its own, and later.
        $now = $this->now();
        $parts = $message->verb() === 'saved' ? $this->parts($message) : [];
        if ($parts === null && $this->outbox->hasLater($message)) {
            return self::NOTHING;
        }
        if ($parts === null && $message->entity() === 'order' && $this->snapshot->isArchived($message->entityId)) {
            // Bitrix saves an order once more while it archives it.
            $message->type = 'order.archived';
        }
        return Body::of($message, $now, $parts ?: [], Settings::number('most_bytes'));
    }

    public function now(): string
    {
        $now = (string)$this->connection->query("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f') AS AT")->fetchRaw()['AT'];
        return $now . '+00:00';
    }

    private function parts(Message $message): ?array
    {
        if ($message->begun >= self::BEGUN_WITHOUT_SNAPSHOT) {
            return [];
        }
        return $this->snapshot->of($message->entity(), $message->entityId);
    }

    /** Bitrix tells of the archiving before it is done, and it may fail. */
    private function composeUnarchived(Message $message): string
    {
        // Below zero it was noted by a clock that has been set back since.
        if ($message->age >= 0 && $message->age < self::ARCHIVING_SECONDS) {
            throw new TooEarly();
        }
        $message->type = 'order.saved';
        return Body::of($message, $this->now(), $this->parts($message) ?: [], Settings::number('most_bytes'));
    }

    /** News, pictures and other iblocks are no products. */
    private function isOurs(Message $message): bool
    {
        if (!in_array($message->entity(), ['product', 'category'], true)) {
            return true;
        }
        $iblock = $message->iblockId ?? $this->snapshot->iblockOf($message->entity(), $message->entityId);
        // A catalog that was deleted as a whole is none any more when its products' deletions are sent.
        return $iblock === null || $this->snapshot->isOfCatalog($iblock) || !$this->snapshot->hasIblock($iblock);
    }
}
