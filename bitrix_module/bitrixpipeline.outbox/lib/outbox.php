<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/**
 * The table of news that wait. All times are MySQL's, in UTC: web servers' clocks differ.
 *
 * While news of a row is pending (nobody has claimed it), further saves only count up; its snapshot
 * is read after the claim, so that it shows them. What is saved after the claim becomes a new row.
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
        $this->insert($type, $origin, "VALUES ({head}, $id, $iblock, {tail})");
    }

    /** An update of a price does not always say of which product. */
    public function addProductOfPrice(int $price, string $origin): void
    {
        $this->insert('product.saved', $origin, "SELECT {head}, PRODUCT_ID, NULL, {tail} FROM b_catalog_price WHERE ID = $price");
    }

    public function productOfPrice(int $price): int
    {
        return (int)$this->connection->queryScalar("SELECT PRODUCT_ID FROM b_catalog_price WHERE ID = $price");
    }

    /** What is due, up to the limit, leased to the caller; of one entity only the oldest. @return Message[] */
    public function claim(int $limit, int $seconds): array
    {
        return $this->lease($this->due($limit, 'o.ID'), $seconds);
    }

    /** Another one each time: an event that the receiver never answers must not hold up the others. @return Message[] */
    public function claimLongestDue(int $seconds): array
    {
        return $this->lease($this->due(1, 'o.DUE_AT, o.ID'), $seconds);
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

    /** Nothing was stored under the old ID; the event may now have another body. */
    public function renew(Message $message): void
    {
        $message->uid = self::newUid();
        $message->body = null;
        $this->set($message, "UID = '{$message->uid}', BODY = NULL");
    }

    public function remove(Message $message): bool
    {
        $this->connection->queryExecute('DELETE FROM ' . self::TABLE . ' WHERE ' . self::isOurs($message));
        return $this->connection->getAffectedRowsCount() > 0;
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
        $this->connection->queryExecute(
            'DELETE FROM ' . self::TABLE . " WHERE ENTITY = '{$message->entity()}' AND ENTITY_ID = {$message->entityId}"
            . " AND TYPE = '{$message->type}' AND STATE = 'D' AND ID < {$message->id}"
        );
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
            'SELECT 1 FROM ' . self::TABLE . " WHERE ENTITY = '{$message->entity()}' AND ENTITY_ID = {$message->entityId}"
            . " AND ID > {$message->id} AND STATE = 'W' LIMIT 1"
        );
    }

    public static function newUid(): string
    {
        return 'evt_' . bin2hex(random_bytes(16));
    }

    private function insert(string $type, string $origin, string $row): void
    {
        try {
            $this->insertAs('1', $type, $origin, $row);
        } catch (\Throwable $fault) {
            // Bitrix's exceptions do not have MySQL's number.
            if (!preg_match('/\(1213\)|deadlock/i', $fault->getMessage())) {
                throw $fault;
            }
            // Saves of this row and a claim waited for each other. As news of its own it needs no lock of the unique key.
            $this->insertAs('NULL', $type, $origin, $row);
        }
    }

    private function insertAs(string $pending, string $type, string $origin, string $row): void
    {
        $entity = explode('.', $type)[0];
        $uid = self::newUid();
        $values = strtr($row, [
            '{head}' => "'$uid', '$type', '$entity', '$origin'",
            '{tail}' => "$pending, UTC_TIMESTAMP(), UTC_TIMESTAMP()",
        ]);
        $this->connection->queryExecute(
            'INSERT INTO ' . self::TABLE . ' (UID, TYPE, ENTITY, ORIGIN, ENTITY_ID, IBLOCK_ID, PENDING, DUE_AT, CREATED_AT) ' . $values
            // News that is not only ours stays news.
            . " ON DUPLICATE KEY UPDATE SAVES = SAVES + 1, ORIGIN = IF(ORIGIN = 'rest', VALUES(ORIGIN), ORIGIN)"
        );
    }

    /** @param int[] $ids @return Message[] those that nobody else has taken meanwhile */
    private function lease(array $ids, int $seconds): array
    {
        if (!$ids) {
            return [];
        }
        $lease = bin2hex(random_bytes(16));
        $this->connection->queryExecute(
            'UPDATE ' . self::TABLE . " SET LEASE = '$lease', LEASED_UNTIL = " . self::in($seconds) . ', PENDING = NULL'
            . ' WHERE ID IN (' . implode(',', $ids) . ') AND ' . self::isFree()
        );
        $rows = $this->connection->query(
            'SELECT *, TIMESTAMPDIFF(SECOND, CREATED_AT, UTC_TIMESTAMP()) AS AGE FROM ' . self::TABLE . " WHERE LEASE = '$lease' ORDER BY ID"
        );
        $messages = [];
        while ($row = $rows->fetchRaw()) {
            $messages[] = new Message($row);
        }
        return $messages;
    }

    private function due(int $limit, string $order): array
    {
        $rows = $this->connection->query(
            'SELECT o.ID FROM ' . self::TABLE . ' o WHERE ' . self::isFree('o.') . ' AND NOT EXISTS ('
            . 'SELECT 1 FROM ' . self::TABLE . ' e WHERE e.ENTITY = o.ENTITY AND e.ENTITY_ID = o.ENTITY_ID'
            . " AND e.ID < o.ID AND e.STATE = 'W') ORDER BY $order LIMIT $limit"
        );
        $ids = [];
        while ($row = $rows->fetchRaw()) {
            $ids[] = (int)$row['ID'];
        }
        return $ids;
    }

    private function settle(Message $message, string $assignments, string $why): void
    {
        $reason = $this->connection->getSqlHelper()->forSql(self::ascii($why), 250);
        $this->set($message, $assignments . ", BEGUN = 0, LEASE = NULL, LEASED_UNTIL = NULL, LAST_ERROR = '$reason'");
    }

    private function set(Message $message, string $assignments): bool
    {
        $this->connection->queryExecute('UPDATE ' . self::TABLE . " SET $assignments WHERE " . self::isOurs($message));
        return $this->connection->getAffectedRowsCount() > 0;
    }

    private static function isOurs(Message $message): string
    {
        return "ID = {$message->id} AND LEASE = '{$message->lease}'";
    }

    private static function isFree(string $of = ''): string
    {
        return "{$of}STATE = 'W' AND {$of}DUE_AT <= UTC_TIMESTAMP()"
            . " AND ({$of}LEASED_UNTIL IS NULL OR {$of}LEASED_UNTIL < UTC_TIMESTAMP())";
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
