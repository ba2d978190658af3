<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/** An operator's look at the outbox. */
class Desk
{
    private const LIST = 100;

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
            . ' ORDER BY STATE, ID LIMIT ' . self::LIST
        );
        $found = [];
        while ($row = $rows->fetchRaw()) {
            $found[] = $row;
        }
        return $found;
    }

    /** Dead ones get a new ID: the receiver may know the old one with another body. @param int[] $ids none: all dead */
    public function retry(array $ids = []): int
    {
        $dead = $this->connection->query('SELECT ID FROM ' . Outbox::TABLE . " WHERE STATE = 'D'" . $this->among($ids));
        $count = 0;
        while ($row = $dead->fetchRaw()) {
            $uid = Outbox::newUid();
            $this->connection->queryExecute(
                'UPDATE ' . Outbox::TABLE . " SET STATE = 'W', UID = '$uid', BODY = NULL, ATTEMPTS = 0, REFUSALS = 0, BEGUN = 0,"
                . " DUE_AT = UTC_TIMESTAMP() WHERE STATE = 'D' AND ID = " . (int)$row['ID']
            );
            $count++;
        }
        $this->connection->queryExecute(
            'UPDATE ' . Outbox::TABLE . " SET DUE_AT = UTC_TIMESTAMP() WHERE STATE = 'W' AND LEASE IS NULL" . $this->among($ids)
        );
        (new State($this->connection))->resume();
        return $count;
    }

    /** @param int[] $ids dead or waiting ones that nobody needs; what is just being sent stays */
    public function skip(array $ids): int
    {
        if (!$ids) {
            return 0;
        }
        $this->connection->queryExecute(
            'DELETE FROM ' . Outbox::TABLE . ' WHERE (LEASED_UNTIL IS NULL OR LEASED_UNTIL < UTC_TIMESTAMP())' . $this->among($ids)
        );
        return (int)$this->connection->getAffectedRowsCount();
    }

    private function among(array $ids): string
    {
        return $ids ? ' AND ID IN (' . implode(',', array_map('intval', $ids)) . ')' : '';
    }
}
