<?php
namespace Bitrixpipeline\Outbox;

/** Why there is no new incoming webhook. */
class WebhookProblem extends \RuntimeException
{
    /** @var bool nothing is wrong: there is one already */
    public $isThereOne = false;

    private $phrase;
    private $values;

    public function __construct(string $phrase, array $values = [])
    {
        $this->phrase = $phrase;
        $this->values = $values;
        parent::__construct($this->inWords('en'));
    }

    /** @param array $webhook as IncomingWebhook::existing() gives it */
    public static function exists(array $webhook): self
    {
        $problem = new self('EXISTS', ['#MADE#' => $webhook['DATE_CREATE'], '#USER#' => $webhook['USER_ID']]);
        $problem->isThereOne = true;
        return $problem;
    }

    /** One sentence, in the site's language where none is given. */
    public function inWords(?string $language = null): string
    {
        return Words::of(__FILE__, "WEBHOOK_{$this->phrase}", $this->values, $language);
    }
}
