<?php
namespace Bitrixpipeline\Outbox;

/**
 * Why something was not sent, as the settings page says it.
 *
 * What is stored, logged and answered to a machine is the short English one, the same on every site.
 */
class Reason
{
    private const SENTENCES = [
        'it is switched off' => 'OFF',
        Sender::NO_URL => 'NO_URL',
        Sender::NO_SECRET => 'NO_SECRET',
        Sender::TAKES_UNSIGNED => 'NO_RECEIVER',
        'senders ended while they sent it' => 'SENDERS_ENDED',
    ];
    /** What to look at after an HTTP status. */
    private const STATUSES = [
        301 => 'REDIRECT', 302 => 'REDIRECT', 307 => 'REDIRECT', 308 => 'REDIRECT',
        401 => 'UNSIGNED', 403 => 'FORBIDDEN', 407 => 'FORBIDDEN', 404 => 'NOT_FOUND', 405 => 'NOT_FOUND',
        421 => 'NOT_FOUND', 409 => 'CONFLICT', 413 => 'TOO_LARGE', 415 => 'OTHER_TYPE', 500 => 'BROKEN',
        408 => 'AWAY', 429 => 'AWAY', 502 => 'AWAY', 503 => 'AWAY', 504 => 'AWAY',
    ];
    /** What curl's numbers mean. */
    private const FAULTS = [
        6 => 'NO_HOST', 7 => 'NO_CONNECTION', 28 => 'TIMEOUT', 35 => 'TLS', 51 => 'TLS', 52 => 'CUT', 56 => 'CUT',
        58 => 'TLS', 60 => 'TLS', 77 => 'TLS',
    ];

    /** In the language of the page; one that is not known as it is. */
    public static function inWords(string $stored): string
    {
        [$answer, $toPing] = explode('; to a ping: ', $stored, 2) + [1 => ''];
        if ($toPing !== '') {
            $values = ['#ANSWER#' => self::inWords($answer), '#PING#' => self::inWords($toPing)];
            return self::phrase($toPing === $answer ? 'BOTH' : 'NEITHER', $values);
        }
        if (isset(self::SENTENCES[$stored])) {
            return self::phrase(self::SENTENCES[$stored]);
        }
        if (preg_match('/^answered (\d+) with a page$/', $stored, $found)) {
            return self::phrase('ANSWERED', ['#STATUS#' => $found[1]]) . ': ' . self::phrase('ANSWER_PAGE');
        }
        if (preg_match('/^answered (\d+)(?:, (\d+) bytes)?$/', $stored, $found)) {
            return self::answered((int)$found[1], (int)($found[2] ?? 0));
        }
        if (preg_match('/^no answer: curl (\d+)/', $stored, $found)) {
            $fault = self::FAULTS[(int)$found[1]] ?? 'CURL';
            return self::phrase('NO_ANSWER', ['#WHY#' => self::phrase("FAULT_$fault", ['#NUMBER#' => $found[1]])]);
        }
        if (strpos($stored, 'no snapshot: ') === 0) {
            return self::phrase('NO_SNAPSHOT', ['#FAULT#' => substr($stored, 13)]);
        }
        return $stored;
    }

    private static function answered(int $status, int $bytes): string
    {
        $known = $status >= 520 && $status <= 530 ? 'AWAY' : (self::STATUSES[$status] ?? '');
        return self::phrase('ANSWERED', ['#STATUS#' => $status])
            . ($known === '' ? '' : ': ' . self::phrase("ANSWER_$known"))
            . ($bytes === 0 ? '' : ' ' . self::phrase('BYTES', ['#BYTES#' => $bytes]));
    }

    private static function phrase(string $name, array $values = []): string
    {
        return Words::of(__FILE__, "REASON_$name", $values);
    }
}
