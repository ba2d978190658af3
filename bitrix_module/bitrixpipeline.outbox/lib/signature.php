<?php
namespace Bitrixpipeline\Outbox;

/** Standard Webhooks 1.0. With two secrets both sign, so that either side may change first. */
class Signature
{
    private const PREFIX = 'whsec_';
    private const LEAST_BYTES = 24;
    private const MOST_BYTES = 64;

    /** @param string[] $secrets */
    public static function header(array $secrets, string $id, int $timestamp, string $body): string
    {
        $signatures = [];
        foreach ($secrets as $secret) {
            $mac = hash_hmac('sha256', "$id.$timestamp.$body", self::key($secret), true);
            $signatures[] = 'v1,' . base64_encode($mac);
        }
        return implode(' ', $signatures);
    }

    public static function isSecret(string $secret): bool
    {
        $key = strpos($secret, self::PREFIX) === 0 ? base64_decode(substr($secret, strlen(self::PREFIX)), true) : false;
        return is_string($key) && strlen($key) >= self::LEAST_BYTES && strlen($key) <= self::MOST_BYTES;
    }

    private static function key(string $secret): string
    {
        if (!self::isSecret($secret)) {
            throw new \InvalidArgumentException('a secret is malformed');
        }
        return base64_decode(substr($secret, strlen(self::PREFIX)), true);
    }
}
