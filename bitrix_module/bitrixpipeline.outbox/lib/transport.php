<?php
namespace Bitrixpipeline\Outbox;

/** One POST within a deadline for all of it. Bitrix's HttpClient only knows a deadline for each read. */
class Transport
{
    private const CONNECT_SECONDS = 3;

    private $handle;

    /** @param string[] $headers lines */
    public function post(string $url, array $headers, string $body, int $seconds): Answer
    {
        // Kept open: a batch takes one connection.
        $this->handle = $this->handle ?: curl_init();
        $retryAfter = 0;
        $isPage = false;
        curl_setopt_array($this->handle, [
            CURLOPT_URL => $url,
            CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => $body,
            // An empty "Expect" keeps curl from asking first, which costs a second with large bodies.
            CURLOPT_HTTPHEADER => array_merge($headers, ['Content-Type: application/json', 'Expect:']),
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_CONNECTTIMEOUT => min(self::CONNECT_SECONDS, $seconds),
            CURLOPT_TIMEOUT => $seconds,
            CURLOPT_BUFFERSIZE => 1024,
            CURLOPT_WRITEFUNCTION => static function ($handle, string $piece): int {
                return strlen($piece);
            },
            CURLOPT_HEADERFUNCTION => static function ($handle, string $line) use (&$retryAfter, &$isPage): int {
                if (stripos($line, 'retry-after:') === 0) {
                    $retryAfter = self::seconds(trim(substr($line, 12)));
                }
                $isPage = $isPage || preg_match('~^content-type:\s*text/html~i', $line);
                return strlen($line);
            },
        ]);
        curl_exec($this->handle);
        $number = curl_errno($this->handle);
        if ($number !== 0) {
            $this->handle = null;
            // Not curl's message: it names the address, and an address may hold a password.
            return new Answer(0, 'curl ' . $number . ' ' . curl_strerror($number));
        }
        return new Answer((int)curl_getinfo($this->handle, CURLINFO_RESPONSE_CODE), '', $retryAfter, $isPage);
    }

    /** Retry-After is a number of them, or a date. */
    private static function seconds(string $value): int
    {
        return max(0, ctype_digit($value) ? (int)$value : (int)strtotime($value) - time());
    }
}
