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

    /** Whoever gives a request more seconds does not heed the pause that a shorter one's timeout has made. */
    public function isPaused(int $timeout): bool
    {
        return $this->secondsOfPause(" WHERE PAUSE_TIMEOUT IS NULL OR PAUSE_TIMEOUT >= $timeout") > 0;
    }

    /** A pause longer than any was made by a clock that has been set back since, and is over. */
    private function secondsOfPause(string $where = ''): int
    {
        $left = (int)$this->connection->queryScalar(
            'SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), PAUSED_UNTIL) FROM ' . self::TABLE . $where
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

    /** @param int|null $timeout of the request that got no answer in time */
    public function pause(float $seconds, string $why, ?int $timeout = null): void
    {
        $until = (int)ceil($seconds);
        $after = $timeout === null ? 'NULL' : (string)$timeout;
        $reason = $this->connection->getSqlHelper()->forSql($why, 250);
        $this->connection->queryExecute(
            'UPDATE ' . self::TABLE . " SET FAILURES = FAILURES + 1, LAST_ERROR = '$reason',"
            . " PAUSED_UNTIL = UTC_TIMESTAMP() + INTERVAL $until SECOND, PAUSE_TIMEOUT = $after" . self::ROW
        );
    }

    public function delivered(): void
    {
        $this->connection->queryExecute(
            'UPDATE ' . self::TABLE . ' SET FAILURES = 0, PAUSED_UNTIL = NULL, DELIVERED_AT = UTC_TIMESTAMP(), LAST_ERROR = NULL' . self::ROW
        );
    }

    /**
     * What the agent lacks to send anything, empty when nothing: the page, which another PHP makes, may lack
     * nothing. True when a lack is news.
     */
    public function noteLack(string $lack): bool
    {
        $stored = (string)$this->connection->queryScalar('SELECT LAST_ERROR FROM ' . self::TABLE);
        $isOver = $lack === '' && in_array($stored, [Sender::NO_URL, Sender::NO_SECRET], true);
        if ($isOver || ($lack !== '' && $stored !== $lack)) {
            $value = $isOver ? 'NULL' : "'" . $this->connection->getSqlHelper()->forSql($lack) . "'";
            $this->connection->queryExecute('UPDATE ' . self::TABLE . " SET LAST_ERROR = $value" . self::ROW);
        }
        return $lack !== '' && $stored !== $lack;
    }

    public function resume(): void
    {
        $this->connection->queryExecute('UPDATE ' . self::TABLE . ' SET PAUSED_UNTIL = NULL' . self::ROW);
    }
}
