<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/** An operator's look at the outbox. */
class Desk
{
    /** How many rows a page lists. */
    public const LIST = 100;
    /** Rows of one press of a button, each an UPDATE of its own: a few seconds. */
    public const MOST_AT_ONCE = 5000;

    private const IS_DEAD = "STATE = 'D'";
    private const BACKS_OFF = "STATE = 'W' AND DUE_AT > UTC_TIMESTAMP() AND LEASE IS NULL";

    private $connection;

    public function __construct($connection = null)
    {
        $this->connection = $connection ?: Application::getConnection();
    }

    /** @return array waiting, dead, oldest (seconds) */
    public function counts(): array
    {
        $row = $this->connection->query(
            "SELECT SUM(STATE = 'W') AS WAITING, SUM(STATE = 'D') AS DEAD,"
            . " TIMESTAMPDIFF(SECOND, MIN(IF(STATE = 'W', CREATED_AT, NULL)), UTC_TIMESTAMP()) AS OLDEST FROM " . Outbox::TABLE
        )->fetchRaw();
        return ['waiting' => (int)$row['WAITING'], 'dead' => (int)$row['DEAD'], 'oldest_seconds' => (int)$row['OLDEST']];
    }

    /** The dead first; never a body. @return array[] */
    public function latest(): array
    {
        $rows = $this->connection->query(
            'SELECT ID, TYPE, ENTITY_ID, ORIGIN, SAVES, STATE, ATTEMPTS, DUE_AT, CREATED_AT, LAST_ERROR FROM ' . Outbox::TABLE
            . ' ORDER BY STATE, DUE_AT, ID LIMIT ' . self::LIST
        );
        $found = [];
        while ($row = $rows->fetchRaw()) {
            $found[] = $row;
        }
        return $found;
    }

    /**
     * The dead, and what backs off, are due now; how many of each. Dead ones get a new ID: the receiver may know
     * the old one with another body.
     * @param int[] $ids none: all
     * @return int[] dead, waiting
     */
    public function retry(array $ids = [], int $most = self::MOST_AT_ONCE): array
    {
        $count = ['dead' => 0, 'waiting' => 0];
        foreach ($this->ids(self::IS_DEAD, $ids, $most) as $id) {
            $uid = Outbox::newUid();
            $count['dead'] += $this->change(
                'UPDATE ' . Outbox::TABLE . " SET STATE = 'W', UID = '$uid', BODY = NULL, ATTEMPTS = 0, REFUSALS = 0, BEGUN = 0,"
                . " DUE_AT = UTC_TIMESTAMP() WHERE ID = $id AND " . self::IS_DEAD
            );
        }
        foreach ($this->ids(self::BACKS_OFF, $ids, $most - $count['dead']) as $id) {
            $count['waiting'] += $this->change(
                'UPDATE ' . Outbox::TABLE . " SET DUE_AT = UTC_TIMESTAMP() WHERE ID = $id AND " . self::BACKS_OFF
            );
        }
        (new State($this->connection))->resume();
        return $count;
    }

    /** How many a retry of all would still find. */
    public function retriable(): int
    {
        return (int)$this->connection->queryScalar(
            'SELECT COUNT(*) FROM ' . Outbox::TABLE . ' WHERE ' . self::IS_DEAD . ' OR ' . self::BACKS_OFF
        );
    }

    /** @param int[] $ids dead or waiting ones that nobody needs; what is just being sent stays */
    public function skip(array $ids): int
    {
        $count = 0;
        foreach (array_map('intval', $ids) as $id) {
            $count += $this->change(
                'DELETE FROM ' . Outbox::TABLE . " WHERE ID = $id AND " . Outbox::isUnleased()
            );
        }
        return $count;
    }

    /** How many rows it found: one at most, by its primary key, as Outbox says. */
    private function change(string $sql): int
    {
        $this->connection->queryExecute($sql);
        return (int)$this->connection->getAffectedRowsCount();
    }

    /** @param int[] $among none: all @return int[] */
    private function ids(string $condition, array $among, int $most): array
    {
        $and = $among ? ' AND ID IN (' . implode(',', array_map('intval', $among)) . ')' : '';
        $rows = $this->connection->query('SELECT ID FROM ' . Outbox::TABLE . " WHERE $condition$and LIMIT " . max(0, $most));
        $ids = [];
        while ($row = $rows->fetchRaw()) {
            $ids[] = (int)$row['ID'];
        }
        return $ids;
    }
}
