<?php
namespace Bitrixpipeline\Outbox;

/** What became of a request, and what it means for the event. Status 0: there was no answer. */
class Answer
{
    /**
     * About the address, the sender, the headers, or how busy it is there: the same for every event. So are
     * redirects, and Cloudflare's 520 to 530. All others may be about the one event or about all: see Sender.
     */
    private const OUTAGES = [401, 404, 405, 407, 408, 415, 421, 429, 502, 503, 504];
    private const TIMEOUT = 'curl 28 ';

    /** @var int */
    public $status;
    /** @var string */
    public $error;
    /** @var int seconds that the receiver asks for */
    public $retryAfter;
    /** @var bool HTML: a site at a wrong path, or a proxy's notice, and no receiver */
    public $isPage;

    public function __construct(int $status, string $error = '', int $retryAfter = 0, bool $isPage = false)
    {
        $this->status = $status;
        $this->error = $error;
        $this->retryAfter = $retryAfter;
        $this->isPage = $isPage;
    }

    public function isDelivered(): bool
    {
        return $this->isGood() && !$this->isPage;
    }

    public function isOutage(): bool
    {
        return $this->isGood() || $this->status < 200 || ($this->status >= 300 && $this->status < 400)
            || in_array($this->status, self::OUTAGES, true) || ($this->status >= 520 && $this->status <= 530);
    }

    /** It may have come later. */
    public function isTimeout(): bool
    {
        return $this->status === 0 && strpos($this->error, self::TIMEOUT) === 0;
    }

    /** Another body is known under this ID. */
    public function isConflict(): bool
    {
        return $this->status === 409;
    }

    public function isTooLarge(): bool
    {
        return $this->status === 413;
    }

    public function reason(): string
    {
        if ($this->status === 0) {
            return "no answer: {$this->error}";
        }
        return "answered {$this->status}" . ($this->isGood() && $this->isPage ? ' with a page' : '');
    }

    private function isGood(): bool
    {
        return $this->status >= 200 && $this->status < 300;
    }
}
