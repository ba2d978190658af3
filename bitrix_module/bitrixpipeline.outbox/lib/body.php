<?php
namespace Bitrixpipeline\Outbox;

/** The bytes that are signed and sent. */
class Body
{
    private const JSON = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE;

    /** With the snapshot's parts, or without them where they are too large or cannot be written. */
    public static function of(Message $message, string $timestamp, array $parts, int $mostBytes): string
    {
        $whole = self::json($message->type, $timestamp, self::head($message) + $parts);
        if ($whole !== null && strlen($whole) <= $mostBytes) {
            return $whole;
        }
        Journal::error('an event goes without its snapshot', ['event' => $message->id, 'bytes' => $whole === null ? null : strlen($whole)]);
        return (string)self::json($message->type, $timestamp, self::head($message));
    }

    public static function ping(string $timestamp): string
    {
        return (string)self::json('ping', $timestamp, ['id' => 1, 'origin' => 'admin']);
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
