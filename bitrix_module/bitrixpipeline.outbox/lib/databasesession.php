<?php
namespace Bitrixpipeline\Outbox;

/** The connection is the site's: it must be found as it was. */
class DatabaseSession
{
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
            return true;
        }
        return !$this->connection->queryScalar('SELECT @@autocommit');
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
