<?php
namespace Bitrixpipeline\Outbox;

/** The connection is the site's: it must be found as it was. */
class DatabaseSession
{
    private const IN_TRANSACTION = 1568;

    private $connection;

    public function __construct($connection)
    {
        $this->connection = $connection;
    }

    /** MySQL refuses this statement within a transaction, and outside it changes nothing; MySQL has no other way to ask. */
    public function isInTransaction(): bool
    {
        try {
            $this->connection->queryExecute('SET TRANSACTION READ WRITE');
        } catch (\Throwable $refused) {
            if ($this->lastError() !== self::IN_TRANSACTION) {
                throw $refused;
            }
            return true;
        }
        return !$this->connection->queryScalar('SELECT @@autocommit');
    }

    /** MySQL's number; Bitrix's exception has it in some years only. */
    private function lastError(): int
    {
        $row = $this->connection->query('SHOW ERRORS')->fetchRaw();
        return (int)($row['Code'] ?? 0);
    }

    /** Does the work while a variable of the session, a number, is another. */
    public function with(string $variable, int $value, callable $work): void
    {
        $before = (int)$this->connection->queryScalar("SELECT @@SESSION.$variable");
        $this->connection->queryExecute("SET SESSION $variable = $value");
        try {
            $work();
        } finally {
            $this->connection->queryExecute("SET SESSION $variable = $before");
        }
    }
}
