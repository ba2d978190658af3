<?php
namespace Bitrixpipeline\Outbox;

/** Bitrix's event log (Settings → Tools → Event log). Numbers and names only: no row, no body, no secret. */
class Journal
{
    private const MOST_LINES = 20;

    private static $lines = 0;

    public static function error(string $what, array $facts = []): void
    {
        self::write('ERROR', ['error', 'info'], $what, $facts);
    }

    public static function info(string $what, array $facts = []): void
    {
        self::write('INFO', ['info'], $what, $facts);
    }

    /** A fault's class and code; its message may hold SQL with a customer's data. */
    public static function name(\Throwable $fault): string
    {
        return get_class($fault) . ' ' . (int)$fault->getCode() . ' in ' . basename($fault->getFile()) . ':' . $fault->getLine();
    }

    private static function write(string $severity, array $levels, string $what, array $facts): void
    {
        try {
            // A hit that saves ten thousand products must not write ten thousand lines.
            if (!in_array(Settings::logLevel(), $levels, true) || ++self::$lines > self::MOST_LINES) {
                return;
            }
            $line = $what . ($facts ? ' ' . json_encode($facts, JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR) : '');
            self::withoutSecretInAddress(static function () use ($severity, $line): void {
                \CEventLog::Add([
                    'SEVERITY' => $severity,
                    'AUDIT_TYPE_ID' => 'BITRIXPIPELINE_OUTBOX',
                    'MODULE_ID' => Settings::MODULE,
                    'ITEM_ID' => 'outbox',
                    'DESCRIPTION' => $line,
                ]);
            });
        } catch (\Throwable $fault) {
            error_log('bitrixpipeline.outbox: ' . $what);
        }
    }

    /** Bitrix notes the hit's address, too, and REST's has the password of the incoming webhook in it. */
    private static function withoutSecretInAddress(callable $add): void
    {
        $address = $_SERVER['REQUEST_URI'] ?? null;
        if ($address !== null) {
            $_SERVER['REQUEST_URI'] = preg_replace('~/rest/(\d+)/[^/?]+~', '/rest/$1/...', (string)$address);
        }
        try {
            $add();
        } finally {
            if ($address !== null) {
                $_SERVER['REQUEST_URI'] = $address;
            }
        }
    }
}
