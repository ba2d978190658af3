<?php
namespace Bitrixpipeline\Outbox;

/** Whether the receiver is away, which all senders of all web servers must know: one row. */
class State
{
    private const TABLE = 'b_bitrixpipeline_state';
    private const ROW = ' WHERE ID = 1';

    private $connection;

    public function __construct($connection)
    {
        $this->connection = $connection;
    }

    public function isPaused(): bool
    {
        return $this->secondsOfPause() > 0;
    }

    /** A pause longer than any was made by a clock that has been set back since, and is over. */
    public function secondsOfPause(): int
    {
        $left = (int)$this->connection->queryScalar(
            'SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), PAUSED_UNTIL) FROM ' . self::TABLE
        );
        return $left > Backoff::MOST_ASKED_FOR ? 0 : max(0, $left);
    }

    public function failures(): int
    {
        return (int)$this->connection->queryScalar('SELECT FAILURES FROM ' . self::TABLE);
    }

    public function read(): array
    {
        $row = $this->connection->query(
            'SELECT FAILURES, LAST_ERROR, TIMESTAMPDIFF(SECOND, DELIVERED_AT, UTC_TIMESTAMP()) AS AGO FROM ' . self::TABLE
        )->fetchRaw() ?: ['FAILURES' => 0, 'LAST_ERROR' => null, 'AGO' => null];
        return [
            'failures_in_a_row' => (int)$row['FAILURES'],
            'last_error' => $row['LAST_ERROR'],
            'paused_seconds' => $this->secondsOfPause(),
            'delivered_seconds_ago' => $row['AGO'] === null ? null : (int)$row['AGO'],
        ];
    }

    public function pause(float $seconds, string $why): void
    {
        $until = (int)ceil($seconds);
        $reason = $this->connection->getSqlHelper()->forSql($why, 250);
        $this->connection->queryExecute(
            'UPDATE ' . self::TABLE . " SET FAILURES = FAILURES + 1, LAST_ERROR = '$reason', PAUSED_UNTIL = UTC_TIMESTAMP() + INTERVAL $until SECOND" . self::ROW
        );
    }

    public function delivered(): void
    {
        $this->connection->queryExecute(
            'UPDATE ' . self::TABLE . ' SET FAILURES = 0, PAUSED_UNTIL = NULL, DELIVERED_AT = UTC_TIMESTAMP(), LAST_ERROR = NULL' . self::ROW
        );
    }

    public function resume(): void
    {
        $this->connection->queryExecute('UPDATE ' . self::TABLE . ' SET PAUSED_UNTIL = NULL' . self::ROW);
    }
}
