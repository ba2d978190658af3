<?php
namespace Bitrixpipeline\Outbox;

/** What the settings page says of what was done. The page has the words of a phrase; details are words already. */
class Notice
{
    /** @var bool */
    public $isGood;
    /** @var string */
    public $phrase;
    /** @var string */
    public $details;
    /** @var array */
    public $values;

    private function __construct(bool $isGood, string $phrase, string $details, array $values)
    {
        $this->isGood = $isGood;
        $this->phrase = $phrase;
        $this->details = $details;
        $this->values = $values;
    }

    public static function good(string $phrase, string $details = '', array $values = []): self
    {
        return new self(true, $phrase, $details, $values);
    }

    public static function bad(string $phrase, string $details = '', array $values = []): self
    {
        return new self(false, $phrase, $details, $values);
    }
}
