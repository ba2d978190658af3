<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/**
 * The table of news that wait. All times are MySQL's, in UTC: web servers' clocks differ. A time further ahead
 * than anything is ever put off was noted by a clock that has been set back since, and is over.
 *
 * A handler locks only rows of its own; a sender one row at a time: so neither can deadlock with a
 * shop's transaction, nor does a save wait for another's.
 *
 * - A handler does one plain INSERT, and there is no unique key that it could meet somebody else at. It
 *   never updates: of a row that is gone InnoDB would lock the gap, till the shop's transaction ends.
 * - Everybody else looks without locking, which shows committed rows only, and then touches one row by its
 *   primary key, in autocommit, while it still is what was seen.
 */
class Outbox
{
    public const TABLE = 'b_bitrixpipeline_outbox';

    private $connection;

    public function __construct($connection)
    {
        $this->connection = $connection;
    }

    public static function here(): self
    {
        return new self(Application::getConnection());
    }

    public function add(string $type, int $id, string $origin, ?int $iblockId = null): void
    {
        $iblock = $iblockId === null ? 'NULL' : (string)$iblockId;
        $entity = explode('.', $type)[0];
        $this->connection->queryExecute(
            'INSERT INTO ' . self::TABLE . ' (UID, TYPE, ENTITY, ENTITY_ID, IBLOCK_ID, ORIGIN, DUE_AT, CREATED_AT) VALUES ('
            . "'" . self::newUid() . "', '$type', '$entity', $id, $iblock, '$origin', UTC_TIMESTAMP(), UTC_TIMESTAMP())"
        );
    }

    /**
     * What is longest due, leased to the caller; of one entity only the oldest. Orders come first: an import's
     * thousands of products would keep them waiting. What was tried has no such right, and comes last: an event
     * that the receiver never answers holds up no other.
     * @return Message[]
     */
    public function claim(int $limit, int $seconds): array
    {
        $lease = bin2hex(random_bytes(16));
        $claimed = [];
        foreach ($this->due($limit) as $id) {
            if ($this->lease($id, $lease, $seconds)) {
                $claimed[] = $id;
            }
        }
        return $this->leased($claimed, $lease);
    }

    /** This row, if it is free; no matter what waits before it. */
    public function claimRow(int $id, int $seconds): ?Message
    {
        $lease = bin2hex(random_bytes(16));
        return $this->lease($id, $lease, $seconds) ? $this->leased([$id], $lease)[0] ?? null : null;
    }

    /** False when the lease has ended and another sender has it. */
    public function begin(Message $message, int $seconds): bool
    {
        return $this->set($message, 'BEGUN = BEGUN + 1, LEASED_UNTIL = ' . self::in($seconds));
    }

    /** The same ID must always come with the same body. */
    public function keepBody(Message $message, string $body): bool
    {
        $message->body = $body;
        // Hexadecimal: the connection may speak cp1251.
        return $this->set($message, 'BODY = 0x' . bin2hex($body));
    }

    /** This body was not stored under the old ID; it goes under another one. */
    public function renew(Message $message, string $body): void
    {
        $message->uid = self::newUid();
        $message->body = $body;
        $this->set($message, "UID = '{$message->uid}', BODY = 0x" . bin2hex($body));
    }

    public function remove(Message $message): bool
    {
        return $this->change('DELETE FROM ' . self::TABLE . ' WHERE ' . self::isOurs($message));
    }

    public function retryLater(Message $message, float $seconds, string $why, bool $isRefusal): void
    {
        $refusal = $isRefusal ? ', REFUSALS = REFUSALS + 1' : '';
        $this->settle($message, 'ATTEMPTS = ATTEMPTS + 1, DUE_AT = ' . self::in((int)ceil($seconds)) . $refusal, $why);
    }

    public function postpone(Message $message, int $seconds): void
    {
        $this->settle($message, 'DUE_AT = ' . self::in($seconds), '');
    }

    /** Of a row that is refused at each save only the last death stays: a retry tells of all of them. */
    public function bury(Message $message, string $why): void
    {
        $this->settle($message, "STATE = 'D', ATTEMPTS = ATTEMPTS + 1, BODY = NULL", $why);
        $older = $this->ids(
            'SELECT ID FROM ' . self::TABLE . ' WHERE ' . self::isOfEntity($message->entity(), $message->entityId)
            . " AND TYPE = '{$message->type}' AND STATE = 'D' AND ID < {$message->id}"
        );
        foreach ($older as $id) {
            $this->change('DELETE FROM ' . self::TABLE . " WHERE ID = $id AND STATE = 'D'");
        }
    }

    /** @param Message[] $messages that were not begun */
    public function release(array $messages): void
    {
        foreach ($messages as $message) {
            $this->set($message, 'LEASE = NULL, LEASED_UNTIL = NULL');
        }
    }

    public function hasLater(Message $message): bool
    {
        return (bool)$this->connection->queryScalar(
            'SELECT 1 FROM ' . self::TABLE . ' WHERE ' . self::isOfEntity($message->entity(), $message->entityId)
            . " AND ID > {$message->id} AND STATE = 'W'"
        );
    }

    /** The rows that wait after this one, oldest first: ID, TYPE, ORIGIN, SAVES, and whether it IS_UNTOUCHED. @return array[] */
    public function after(string $entity, int $entityId, int $id, int $limit): array
    {
        return $this->rows(
            'SELECT ID, TYPE, ORIGIN, SAVES, ' . self::isUntouched() . ' AS IS_UNTOUCHED FROM ' . self::TABLE . ' WHERE '
            . self::isOfEntity($entity, $entityId) . " AND ID > $id AND STATE = 'W' ORDER BY ID LIMIT $limit"
        );
    }

    /** False when the lease has ended. */
    public function count(Message $message, int $saves, string $origin): bool
    {
        $message->origin = $origin;
        return $this->set($message, "SAVES = SAVES + $saves, ORIGIN = '$origin'");
    }

    public function removeUntouched(int $id): void
    {
        $this->change('DELETE FROM ' . self::TABLE . " WHERE ID = $id AND " . self::isUntouched());
    }

    /** IDs of entities of which several rows wait, above the given one. @return int[] */
    public function repeated(string $entity, int $above, int $limit): array
    {
        return $this->ids(
            'SELECT ENTITY_ID AS ID FROM ' . self::TABLE . " WHERE ENTITY = '$entity' AND ENTITY_ID > $above"
            . " GROUP BY ENTITY_ID HAVING COUNT(*) > 1 ORDER BY ENTITY_ID LIMIT $limit"
        );
    }

    public static function newUid(): string
    {
        return 'evt_' . bin2hex(random_bytes(16));
    }

    private function lease(int $id, string $lease, int $seconds): bool
    {
        return $this->change(
            'UPDATE ' . self::TABLE . " SET LEASE = '$lease', LEASED_UNTIL = " . self::in($seconds) . " WHERE ID = $id AND " . self::isFree()
        );
    }

    /** As they are now, in this order: another may have had them between the look and the claim. @param int[] $ids @return Message[] */
    private function leased(array $ids, string $lease): array
    {
        if (!$ids) {
            return [];
        }
        $list = implode(',', $ids);
        $rows = $this->rows(
            'SELECT *, TIMESTAMPDIFF(SECOND, CREATED_AT, UTC_TIMESTAMP()) AS AGE FROM ' . self::TABLE
            . " WHERE ID IN ($list) AND LEASE = '$lease' ORDER BY FIELD(ID, $list)"
        );
        return array_map(static function (array $row): Message {
            return new Message($row);
        }, $rows);
    }

    /** @return int[] */
    private function due(int $limit): array
    {
        $isNewOrder = "o.ENTITY = 'order' AND o.ATTEMPTS = 0";
        // MySQL itself would read through all that is due.
        $orders = $this->dueWhere($isNewOrder, $limit, 'FORCE INDEX (ix_bitrixpipeline_outbox_due_of_entity)');
        $left = $limit - count($orders);
        return $left > 0 ? array_merge($orders, $this->dueWhere("NOT ($isNewOrder)", $left)) : $orders;
    }

    /** @return int[] */
    private function dueWhere(string $condition, int $limit, string $hint = ''): array
    {
        return $this->ids(
            'SELECT o.ID FROM ' . self::TABLE . " o $hint WHERE $condition AND " . self::isFree('o.') . ' AND NOT EXISTS ('
            . 'SELECT 1 FROM ' . self::TABLE . ' e WHERE e.ENTITY = o.ENTITY AND e.ENTITY_ID = o.ENTITY_ID'
            . " AND e.ID < o.ID AND e.STATE = 'W') ORDER BY o.DUE_AT, o.ID LIMIT $limit"
        );
    }

    private function settle(Message $message, string $assignments, string $why): void
    {
        $reason = $this->connection->getSqlHelper()->forSql(self::ascii($why), 250);
        $this->set($message, $assignments . ", BEGUN = 0, LEASE = NULL, LEASED_UNTIL = NULL, LAST_ERROR = '$reason'");
    }

    private function set(Message $message, string $assignments): bool
    {
        return $this->change('UPDATE ' . self::TABLE . " SET $assignments WHERE " . self::isOurs($message));
    }

    /** Whether it found its row. */
    private function change(string $sql): bool
    {
        $this->connection->queryExecute($sql);
        return $this->connection->getAffectedRowsCount() > 0;
    }

    /** @return int[] */
    private function ids(string $sql): array
    {
        return array_map('intval', array_column($this->rows($sql), 'ID'));
    }

    private function rows(string $sql): array
    {
        $result = $this->connection->query($sql);
        $rows = [];
        while ($row = $result->fetchRaw()) {
            $rows[] = $row;
        }
        return $rows;
    }

    private static function isOurs(Message $message): string
    {
        return "ID = {$message->id} AND LEASE = '{$message->lease}'";
    }

    private static function isOfEntity(string $entity, int $id): string
    {
        return "ENTITY = '$entity' AND ENTITY_ID = $id";
    }

    private static function isFree(string $of = ''): string
    {
        $dueAhead = self::in(Backoff::MOST_OF_EVENT);
        return "{$of}STATE = 'W' AND ({$of}DUE_AT <= UTC_TIMESTAMP() OR {$of}DUE_AT > $dueAhead) AND " . self::isUnleased($of);
    }

    public static function isUnleased(string $of = ''): string
    {
        $leaseAhead = self::in(Settings::bounds('lease_seconds')[1]);
        return "({$of}LEASED_UNTIL IS NULL OR {$of}LEASED_UNTIL < UTC_TIMESTAMP() OR {$of}LEASED_UNTIL > $leaseAhead)";
    }

    /** Nothing of it can have been sent. */
    private static function isUntouched(): string
    {
        return '(' . self::isFree() . ' AND BODY IS NULL)';
    }

    private static function in(int $seconds): string
    {
        return "UTC_TIMESTAMP() + INTERVAL $seconds SECOND";
    }

    private static function ascii(string $text): string
    {
        return (string)preg_replace('/[^\x20-\x7e]/', '?', $text);
    }
}
