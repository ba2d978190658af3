<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/**
 * Takes news out of the outbox and POSTs it. Several may run at once.
 *
 * - It holds one row's lock at a time, and only with no transaction open: see Outbox.
 * - Only 2xx removes an event, and only the sender whose lease it is may do so.
 * - An outage costs an event nothing: all senders pause, longer and longer, and then try with one event,
 *   another one each time. After a timeout only those pause that would not have waited longer.
 * - Any other refusal is the event's own fault if the receiver takes another one: an event right before it, or
 *   a ping right after it. Then the event backs off, and dies after so many refusals. Else it is an outage:
 *   what stands before the receiver may answer all of them with 400, 403 or 500.
 */
class Sender
{
    public const NO_URL = 'no address of the receiver is set, or it is malformed';
    public const NO_SECRET = 'no secret is set, or one is malformed';
    public const TAKES_UNSIGNED = 'what is not signed is taken too';

    private const BEGUN_UNTIL_DEAD = 6;
    private const TOO_EARLY_SECONDS = 15;
    private const LOCK_SECONDS = 3;
    /** With the longest request before it, it ends before the lease does. */
    private const PING_SECONDS = 10;

    private $outbox;
    private $state;
    private $merger;
    private $composer;
    private $transport;
    private $session;
    /** @var bool whether what was answered last is that something was taken */
    private $isTaking = false;

    public function __construct($connection, Transport $transport)
    {
        $this->outbox = new Outbox($connection);
        $this->state = new State($connection);
        $this->merger = new Merger($this->outbox);
        $this->composer = new Composer($connection, $this->outbox);
        $this->transport = $transport;
        $this->session = new DatabaseSession($connection);
    }

    public static function here(): self
    {
        return new self(Application::getConnection(), new Transport());
    }

    /** Sends up to so many events for up to so many seconds, each with its own deadline. */
    public function run(int $most, float $seconds, int $timeout): Report
    {
        $report = new Report();
        Master::only(function () use ($most, $seconds, $timeout, $report): void {
            $report->stopped = $this->obstacle($timeout);
            if ($report->stopped === '') {
                $report->stopped = Report::DONE;
                $this->withShortLockWaits(function () use ($most, $seconds, $timeout, $report): void {
                    $this->drain($most, new Deadline($seconds), $timeout, $report);
                });
            }
        });
        if ($report->delivered || $report->failed || $report->dead) {
            Journal::info('a run of the sender', $report->facts());
        }
        return $report;
    }

    /** While nothing can be sent the outbox must not grow with each save. */
    public function mergeWaiting(float $seconds): void
    {
        Master::only(function () use ($seconds): void {
            if (!$this->session->isInTransaction()) {
                $this->withShortLockWaits(function () use ($seconds): void {
                    $this->merger->mergeAll(new Deadline($seconds));
                });
            }
        });
    }

    /** Sends a signed event that nothing is done with. */
    public function ping(int $timeout): Answer
    {
        return $this->post(Outbox::newUid(), Body::ping($this->composer->now()), $timeout);
    }

    /** Why a test shows that nothing would arrive; empty when it would. */
    public function fault(int $timeout): string
    {
        $answer = $this->ping($timeout);
        if (!$answer->isDelivered()) {
            return $answer->reason();
        }
        // Whoever takes all that comes confirms nothing.
        $unsigned = $this->transport->post(Settings::url(), [], '{}', $timeout);
        return $unsigned->isDelivered() ? self::TAKES_UNSIGNED : '';
    }

    /** Why nothing can be sent; empty when it can. */
    public static function complaint(): string
    {
        return Settings::isEnabled() ? self::lack() : 'it is switched off';
    }

    /** What a ping needs too. */
    public static function lack(): string
    {
        if (!Settings::isUrl(Settings::url())) {
            return self::NO_URL;
        }
        $secrets = Settings::secrets();
        if (!$secrets || array_filter($secrets, [Signature::class, 'isSecret']) !== $secrets) {
            return self::NO_SECRET;
        }
        return '';
    }

    /** Why nothing may be sent now; empty when it may. */
    private function obstacle(int $timeout): string
    {
        $complaint = self::complaint();
        if ($complaint !== '') {
            return $complaint;
        }
        // In a hit's open transaction a sender would keep its locks, and see the shop as it was when that began.
        if ($this->session->isInTransaction()) {
            return 'the site has a transaction open';
        }
        return $this->state->isPaused($timeout) ? 'the receiver is given a pause' : '';
    }

    private function drain(int $most, Deadline $deadline, int $timeout, Report $report): void
    {
        do {
            $lease = Settings::number('lease_seconds');
            $size = $this->state->failures() > 0 ? 1 : min($most, Settings::number('batch'));
            $batch = $this->outbox->claim($size, $lease);
            $most -= count($batch);
            $goesOn = $this->sendAll($batch, $deadline, $timeout, $report);
        } while ($goesOn && $batch && $most > 0);
    }

    /** Nothing of ours holds a row for long; whoever does by hand must not hold up an agent for 50 s. */
    private function withShortLockWaits(callable $work): void
    {
        $this->session->with('innodb_lock_wait_timeout', self::LOCK_SECONDS, $work);
    }

    /** @param Message[] $batch; false when the run must end */
    private function sendAll(array $batch, Deadline $deadline, int $timeout, Report $report): bool
    {
        foreach ($batch as $index => $message) {
            $isLate = $deadline->isOver();
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
            // Perhaps the shop's fault, and so of all: it waits longer and longer, and does not die.
            $this->outbox->retryLater($message, Backoff::ofEvent($message->attempts), 'no snapshot: ' . Journal::name($fault), false);
            $report->failed++;
            return '';
        }
        return $this->settle($message, $this->post($message->uid, (string)$message->body, $timeout), $timeout, $report);
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

    private function settle(Message $message, Answer $answer, int $timeout, Report $report): string
    {
        if ($answer->isDelivered()) {
            $this->outbox->remove($message);
            $this->state->delivered();
            $this->isTaking = true;
            $report->delivered++;
            return '';
        }
        if ($answer->isOutage()) {
            return $this->away($message, $answer->reason(), $answer->retryAfter, $answer->isTimeout() ? $timeout : null);
        }
        $ping = $this->isTaking ? null : $this->ping(min($timeout, self::PING_SECONDS));
        $this->isTaking = $ping !== null && $ping->isDelivered();
        if ($ping && !$ping->isDelivered()) {
            $reason = "{$answer->reason()}; to a ping: {$ping->reason()}";
            return $this->away($message, $reason, max($answer->retryAfter, $ping->retryAfter));
        }
        $this->blame($message, $answer, $report);
        return '';
    }

    /** The reason. */
    private function away(Message $message, string $reason, int $retryAfter, ?int $timeout = null): string
    {
        $wait = Backoff::ofOutage($this->state->failures(), $retryAfter);
        $this->outbox->retryLater($message, max($wait, Backoff::ofOutage($message->attempts)), $reason, false);
        $this->state->pause($wait, $reason, $timeout);
        Journal::error('the receiver is away', ['why' => $reason]);
        return $reason;
    }

    /** The receiver takes others, so the event is at fault. */
    private function blame(Message $message, Answer $answer, Report $report): void
    {
        $smaller = $answer->isTooLarge() ? Body::smaller((string)$message->body) : null;
        if ($smaller !== null) {
            $this->sendSmaller($message, $smaller, $answer, $report);
        } elseif ($answer->isTooLarge()) {
            $this->bury($message, $answer->reason(), $report);
        } else {
            if ($answer->isConflict()) {
                // The row came back from a backup, or from before a crash, after it had been delivered; what is new in it has not been.
                $this->outbox->renew($message, (string)$message->body);
            }
            $this->refused($message, $answer->reason(), $report);
        }
    }

    /** A proxy's limit may be lower than the receiver's. */
    private function sendSmaller(Message $message, string $smaller, Answer $answer, Report $report): void
    {
        $size = strlen((string)$message->body);
        $this->outbox->renew($message, $smaller);
        $this->outbox->retryLater($message, 0, $answer->reason() . ", $size bytes", true);
        $report->failed++;
    }

    private function refused(Message $message, string $why, Report $report): void
    {
        if ($message->refusals + 1 >= Settings::number('attempts')) {
            $this->bury($message, $why, $report);
            return;
        }
        $this->outbox->retryLater($message, Backoff::ofEvent($message->refusals), $why, true);
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
