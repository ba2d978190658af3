<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Config\Configuration;
use Bitrix\Main\Config\Option;

/** What an operator has set: the environment counts first, then .settings.php, then the settings page. */
class Settings
{
    public const MODULE = 'bitrixpipeline.outbox';
    public const LOG_LEVELS = ['none', 'error', 'info'];
    public const FAST_PATHS = ['auto', 'always', 'never'];

    private const ENVIRONMENT = ['url' => 'BITRIXPIPELINE_URL', 'secrets' => 'BITRIXPIPELINE_SECRETS'];
    private const NUMBERS = [
        'batch' => [1, 500],
        'run_seconds' => [1, 300],
        'timeout' => [1, 60],
        'fast_timeout' => [1, 10],
        'attempts' => [1, 100],
        'lease_seconds' => [1, 3600],
        'most_bytes' => [1024, 1048576],
    ];
    private const UNSEEN = ['lease_seconds' => 90, 'most_bytes' => 1048576];

    public static function isEnabled(): bool
    {
        return Option::get(self::MODULE, 'enabled', 'Y') === 'Y';
    }

    public static function url(): string
    {
        return trim(self::text('url'));
    }

    /** Without a login in it, which a page would show. */
    public static function isUrl(string $url): bool
    {
        return (bool)preg_match('~^https?://[^\s/@?#]+(/[^\s]*)?$~iD', $url);
    }

    /** Whether what is sent there can be read on the way: without TLS, and not within the machine or its own net. */
    public static function isUrlOpen(): bool
    {
        return stripos(self::url(), 'http://') === 0 && !self::isNear(trim((string)parse_url(self::url(), PHP_URL_HOST), '[]'));
    }

    /** @return string[] words like whsec_…; the first is the newest */
    public static function secrets(): array
    {
        return preg_split('/[\s,]+/', self::text('secrets'), -1, PREG_SPLIT_NO_EMPTY);
    }

    /** Where the value comes from: environment, file, page, or nowhere. */
    public static function source(string $name): string
    {
        if (self::fromEnvironment($name) !== '') {
            return 'environment';
        }
        if (self::fromFile($name) !== '') {
            return 'file';
        }
        return Option::get(self::MODULE, $name, '') === '' ? '' : 'page';
    }

    public static function number(string $name): int
    {
        [$least, $most] = self::NUMBERS[$name];
        $default = self::UNSEEN[$name] ?? Option::getDefaults(self::MODULE)[$name] ?? $least;
        $set = Option::get(self::MODULE, $name, (string)$default);
        return max($least, min($most, (int)$set));
    }

    /** @return int[] the least and the most */
    public static function bounds(string $name): array
    {
        return self::NUMBERS[$name];
    }

    public static function fastPath(): string
    {
        return self::oneOf('fast_path', self::FAST_PATHS);
    }

    public static function logLevel(): string
    {
        return self::oneOf('log_level', self::LOG_LEVELS);
    }

    private static function isNear(string $host): bool
    {
        if (filter_var($host, FILTER_VALIDATE_IP)) {
            return !filter_var($host, FILTER_VALIDATE_IP, FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE);
        }
        return strpos($host, '.') === false || preg_match('~\.(local|internal|lan|test)$~i', $host);
    }

    private static function oneOf(string $name, array $known): string
    {
        $set = Option::get(self::MODULE, $name, '');
        return in_array($set, $known, true) ? $set : Option::getDefaults(self::MODULE)[$name];
    }

    private static function text(string $name): string
    {
        foreach ([self::fromEnvironment($name), self::fromFile($name)] as $value) {
            if ($value !== '') {
                return $value;
            }
        }
        return (string)Option::get(self::MODULE, $name, '');
    }

    private static function fromEnvironment(string $name): string
    {
        return trim((string)getenv(self::ENVIRONMENT[$name]));
    }

    private static function fromFile(string $name): string
    {
        $values = Configuration::getValue(self::MODULE);
        return is_array($values) ? trim((string)($values[$name] ?? '')) : '';
    }
}
