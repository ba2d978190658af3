<?php
namespace Bitrixpipeline\Outbox;

/** The bytes that are signed and sent. */
class Body
{
    private const JSON = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE;

    /** With the snapshot's parts; with fewer, or none, where they are too large or cannot be written. */
    public static function of(Message $message, string $timestamp, array $parts, int $mostBytes): string
    {
        $whole = self::json($message->type, $timestamp, self::head($message) + $parts);
        if (self::fits($whole, $mostBytes)) {
            return (string)$whole;
        }
        $facts = ['event' => $message->id, 'bytes' => $whole === null ? null : strlen($whole)];
        // Of an order's products each has events of its own.
        $order = isset($parts['order']) ? array_diff_key($parts, ['products' => []]) : [];
        $smaller = $order ? self::json($message->type, $timestamp, self::head($message) + $order) : null;
        if (self::fits($smaller, $mostBytes)) {
            Journal::error('an event goes without its products', $facts);
            return (string)$smaller;
        }
        Journal::error('an event goes without its snapshot', $facts);
        return (string)self::json($message->type, $timestamp, self::head($message));
    }

    /** Of an order first the products go, which have events of their own, then all of the snapshot; null when all has gone. */
    public static function smaller(string $body): ?string
    {
        ['type' => $type, 'timestamp' => $timestamp, 'data' => $data] = json_decode($body, true);
        $head = array_intersect_key($data, ['id' => 0, 'sequence' => 0, 'origin' => 0]);
        if ($data === $head) {
            return null;
        }
        $order = array_diff_key($data, ['products' => []]);
        return self::json($type, $timestamp, isset($data['order']) && $order !== $data ? $order : $head);
    }

    public static function ping(string $timestamp): string
    {
        return (string)self::json('ping', $timestamp, ['id' => 1, 'origin' => 'admin']);
    }

    private static function fits(?string $body, int $mostBytes): bool
    {
        return $body !== null && strlen($body) <= $mostBytes;
    }

    private static function head(Message $message): array
    {
        return ['id' => $message->entityId, 'sequence' => $message->id, 'origin' => $message->origin];
    }

    private static function json(string $type, string $timestamp, array $data): ?string
    {
        $json = json_encode(['type' => $type, 'timestamp' => $timestamp, 'data' => $data], self::JSON);
        return $json === false ? null : $json;
    }
}
