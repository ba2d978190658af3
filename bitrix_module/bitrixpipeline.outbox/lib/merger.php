<?php
namespace Bitrixpipeline\Outbox;

/**
 * Makes one event of several saves of one entity: its snapshot is read afterwards, and shows them all.
 *
 * Saves only, and never past a deletion or an archiving that was noted between them. The row that stays
 * gets origin and count before the others go: whoever is killed in between leaves an event too many.
 */
class Merger
{
    private const MOST_ROWS = 500;
    private const MOST_ENTITIES = 1000;
    private const LEASE_SECONDS = 90;
    private const ENTITIES = ['product', 'category', 'user', 'order'];

    private $outbox;

    public function __construct(Outbox $outbox)
    {
        $this->outbox = $outbox;
    }

    /** What was saved after this event was noted goes with it. False when its lease has ended. */
    public function mergeInto(Message $message): bool
    {
        if ($message->verb() !== 'saved') {
            return true;
        }
        $later = $this->outbox->after($message->entity(), $message->entityId, $message->id, self::MOST_ROWS);
        return $this->merge($message, self::alike($message->type, $later));
    }

    /** All that waits, while nothing can be sent: the table stays about as small as the shop. */
    public function mergeAll(Deadline $deadline): void
    {
        foreach (self::ENTITIES as $entity) {
            $last = 0;
            while ($ids = $this->outbox->repeated($entity, $last, self::MOST_ENTITIES)) {
                foreach ($ids as $id) {
                    if ($deadline->isOver()) {
                        return;
                    }
                    $this->mergeEntity($entity, $id);
                }
                $last = end($ids);
            }
        }
    }

    private function mergeEntity(string $entity, int $entityId): void
    {
        $rows = $this->outbox->after($entity, $entityId, 0, self::MOST_ROWS);
        while ($row = array_shift($rows)) {
            $alike = $row['IS_UNTOUCHED'] ? self::alike("$entity.saved", $rows) : [];
            if ($row['TYPE'] !== "$entity.saved" || !$alike) {
                continue;
            }
            $message = $this->outbox->claimRow((int)$row['ID'], self::LEASE_SECONDS);
            if ($message !== null) {
                $message->body === null && $this->merge($message, $alike);
                $this->outbox->release([$message]);
            }
            $rows = array_slice($rows, count($alike));
        }
    }

    private function merge(Message $message, array $rows): bool
    {
        if (!$rows) {
            return true;
        }
        // It says rest only if REST made all of them.
        $foreign = array_diff(array_merge([$message->origin], array_column($rows, 'ORIGIN')), ['rest']);
        if (!$this->outbox->count($message, (int)array_sum(array_column($rows, 'SAVES')), $foreign ? reset($foreign) : 'rest')) {
            return false;
        }
        foreach ($rows as $row) {
            $this->outbox->removeUntouched((int)$row['ID']);
        }
        return true;
    }

    /** Those at the beginning that are of this type and untouched. */
    private static function alike(string $type, array $rows): array
    {
        foreach ($rows as $index => $row) {
            if ($row['TYPE'] !== $type || !$row['IS_UNTOUCHED']) {
                return array_slice($rows, 0, $index);
            }
        }
        return $rows;
    }
}
