<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/**
 * Takes news out of the outbox and POSTs it. Several may run at once.
 *
 * - It holds one row's lock at a time, and only with no transaction open: see Outbox.
 * - Only 2xx removes an event, and only the sender whose lease it is may do so.
 * - An outage costs an event nothing: all senders pause, longer and longer, and then try with one event,
 *   another one each time.
 * - What is answered otherwise is the event's own fault: it backs off, and dies after so many attempts.
 */
class Sender
{
    private const BEGUN_UNTIL_DEAD = 6;
    private const TOO_EARLY_SECONDS = 15;
    private const LOCK_SECONDS = 3;

    private $connection;
    private $outbox;
    private $state;
    private $merger;
    private $composer;
    private $transport;

    public function __construct($connection, Transport $transport)
    {
        $this->connection = $connection;
        $this->outbox = new Outbox($connection);
        $this->state = new State($connection);
        $this->merger = new Merger($this->outbox);
        $this->composer = new Composer($connection, $this->outbox);
        $this->transport = $transport;
    }

    public static function here(): self
    {
        return new self(Application::getConnection(), new Transport());
    }

    /** Sends up to so many events for up to so many seconds, each with its own deadline. */
    public function run(int $most, float $seconds, int $timeout): Report
    {
        $report = new Report();
        $report->stopped = $this->obstacle();
        if ($report->stopped !== '') {
            return $report;
        }
        $report->stopped = Report::DONE;
        $this->withShortLockWaits(function () use ($most, $seconds, $timeout, $report): void {
            $this->drain($most, microtime(true) + $seconds, $timeout, $report);
        });
        if ($report->delivered || $report->failed || $report->dead) {
            Journal::info('a run of the sender', $report->facts());
        }
        return $report;
    }

    /** While nothing can be sent the outbox must not grow with each save. */
    public function mergeWaiting(float $seconds): void
    {
        if (!$this->isInTransaction()) {
            $this->withShortLockWaits(function () use ($seconds): void {
                $this->merger->mergeAll(microtime(true) + $seconds);
            });
        }
    }

    /** Sends a signed event that nothing is done with. */
    public function ping(int $timeout): Answer
    {
        return $this->post(Outbox::newUid(), Body::ping($this->composer->now()), $timeout);
    }

    /** Why nothing can be sent; empty when it can. */
    public static function complaint(): string
    {
        return Settings::isEnabled() ? self::lack() : 'it is switched off';
    }

    /** What a ping needs too. */
    public static function lack(): string
    {
        if (!preg_match('~^https?://[^\s/]+~i', Settings::url())) {
            return 'no address of the receiver is set';
        }
        $secrets = Settings::secrets();
        if (!$secrets || array_filter($secrets, [Signature::class, 'isSecret']) !== $secrets) {
            return 'no secret is set, or one is malformed';
        }
        return '';
    }

    /** Why nothing may be sent now; empty when it may. */
    private function obstacle(): string
    {
        $complaint = self::complaint();
        if ($complaint !== '') {
            return $complaint;
        }
        if ($this->isInTransaction()) {
            return 'the site has a transaction open';
        }
        return $this->state->isPaused() ? 'the receiver is given a pause' : '';
    }

    /**
     * In a hit's open transaction a sender would keep its locks, and see the shop as it was when that began.
     * MySQL refuses this statement within one, and outside it changes nothing; MySQL has no other way to ask.
     */
    private function isInTransaction(): bool
    {
        try {
            $this->connection->queryExecute('SET TRANSACTION READ WRITE');
        } catch (\Throwable $refused) {
            return true;
        }
        return !$this->connection->queryScalar('SELECT @@autocommit');
    }

    private function drain(int $most, float $until, int $timeout, Report $report): void
    {
        do {
            $lease = Settings::number('lease_seconds');
            $size = $this->state->failures() > 0 ? 1 : min($most, Settings::number('batch'));
            $batch = $this->outbox->claim($size, $lease);
            $most -= count($batch);
            $goesOn = $this->sendAll($batch, $until, $timeout, $report);
        } while ($goesOn && $batch && $most > 0);
    }

    /** Nothing of ours holds a row for long; whoever does by hand must not hold up an agent for 50 s. */
    private function withShortLockWaits(callable $work): void
    {
        $before = (int)$this->connection->queryScalar('SELECT @@innodb_lock_wait_timeout');
        $this->connection->queryExecute('SET innodb_lock_wait_timeout = ' . self::LOCK_SECONDS);
        try {
            $work();
        } finally {
            $this->connection->queryExecute("SET innodb_lock_wait_timeout = $before");
        }
    }

    /** @param Message[] $batch; false when the run must end */
    private function sendAll(array $batch, float $until, int $timeout, Report $report): bool
    {
        foreach ($batch as $index => $message) {
            $isLate = microtime(true) >= $until;
            $others = array_slice($batch, $isLate ? $index : $index + 1);
            try {
                $reason = $isLate ? 'its time is up' : $this->send($message, $timeout, $report);
            } catch (\Throwable $fault) {
                $this->outbox->release($others);
                throw $fault;
            }
            if ($reason !== '') {
                $this->outbox->release($others);
                $report->stopped = $reason;
                return false;
            }
        }
        return true;
    }

    /** Why no other should be sent; empty when the next one may be. */
    private function send(Message $message, int $timeout, Report $report): string
    {
        if (!$this->outbox->begin($message, Settings::number('lease_seconds'))) {
            return '';
        }
        try {
            if (!$this->prepare($message, $report)) {
                return '';
            }
        } catch (TooEarly $early) {
            $this->outbox->postpone($message, self::TOO_EARLY_SECONDS);
            return '';
        } catch (\Throwable $fault) {
            $this->refused($message, 'no snapshot: ' . Journal::name($fault), $report);
            return '';
        }
        return $this->settle($message, $this->post($message->uid, (string)$message->body, $timeout), $report);
    }

    /** False when there is nothing to send. */
    private function prepare(Message $message, Report $report): bool
    {
        if ($message->begun >= self::BEGUN_UNTIL_DEAD) {
            $this->bury($message, 'senders ended while they sent it', $report);
            return false;
        }
        if ($message->body !== null) {
            return true;
        }
        if (!$this->merger->mergeInto($message)) {
            return false;
        }
        $body = $this->composer->compose($message);
        if ($body === Composer::NOTHING) {
            $report->dropped++;
            $this->outbox->remove($message);
            return false;
        }
        return $this->outbox->keepBody($message, $body);
    }

    private function settle(Message $message, Answer $answer, Report $report): string
    {
        if ($answer->isDelivered()) {
            $this->outbox->remove($message);
            $this->state->delivered();
            $report->delivered++;
            return '';
        }
        if ($answer->isOutage()) {
            $wait = Backoff::ofOutage($this->state->failures(), $answer->retryAfter);
            $this->outbox->retryLater($message, max($wait, Backoff::ofOutage($message->attempts)), $answer->reason(), false);
            $this->state->pause($wait, $answer->reason());
            Journal::error('the receiver is away', ['why' => $answer->reason()]);
            return $answer->reason();
        }
        if ($answer->isTooLarge()) {
            $this->sendSmaller($message, $answer, $report);
        } elseif ($answer->isFinal()) {
            $this->bury($message, $answer->reason(), $report);
        } else {
            $this->refused($message, $answer->reason(), $report);
        }
        return '';
    }

    /** A proxy's limit may be lower than the receiver's. */
    private function sendSmaller(Message $message, Answer $answer, Report $report): void
    {
        $size = strlen((string)$message->body);
        if ($message->refusals > 0 || $size < 1024) {
            $this->bury($message, $answer->reason(), $report);
            return;
        }
        $this->outbox->renew($message);
        $this->outbox->keepBody($message, Body::of($message, $this->composer->now(), [], PHP_INT_MAX));
        $this->outbox->retryLater($message, 0, $answer->reason() . ", $size bytes", true);
        $report->failed++;
    }

    private function refused(Message $message, string $why, Report $report): void
    {
        if ($message->refusals + 1 >= Settings::number('attempts')) {
            $this->bury($message, $why, $report);
            return;
        }
        $this->outbox->retryLater($message, Backoff::ofEvent($message->attempts), $why, true);
        $report->failed++;
    }

    private function bury(Message $message, string $why, Report $report): void
    {
        $this->outbox->bury($message, $why);
        $report->dead++;
        Journal::error('an event is dead', ['event' => $message->id, 'type' => $message->type, 'id' => $message->entityId, 'why' => $why]);
    }

    private function post(string $id, string $body, int $timeout): Answer
    {
        $now = time();
        return $this->transport->post(Settings::url(), [
            "webhook-id: $id",
            "webhook-timestamp: $now",
            'webhook-signature: ' . Signature::header(Settings::secrets(), $id, $now, $body),
        ], $body, $timeout);
    }
}
