<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Config\Option;

/** What the settings page does with what was sent to it. Phrases are named, the page has the words. */
class SettingsForm
{
    private const NUMBERS = ['batch', 'run_seconds', 'timeout', 'fast_timeout', 'attempts'];

    /** @return string[] phrases: what was done, or why not */
    public static function handle(array $request, string $right, bool $isSessionGood): array
    {
        $action = self::action($request);
        if ($action === '') {
            return [];
        }
        if ($right < 'W' || !$isSessionGood) {
            return ['NOT_ALLOWED'];
        }
        $ids = array_map('intval', (array)($request['events'] ?? []));
        switch ($action) {
            case 'save':
                return self::save($request) ?: ['SAVED'];
            case 'test':
                return self::test();
            case 'retry':
                (new Desk())->retry($ids);
                return ['RETRIED'];
            case 'skip':
                (new Desk())->skip($ids);
                return ['SKIPPED'];
            default:
                return [];
        }
    }

    public static function numbers(): array
    {
        return self::NUMBERS;
    }

    private static function action(array $request): string
    {
        foreach (['save', 'test', 'retry', 'skip', 'webhook'] as $action) {
            if (!empty($request["bitrixpipeline_$action"])) {
                return $action;
            }
        }
        return '';
    }

    /** All or nothing. @return string[] what is wrong */
    private static function save(array $request): array
    {
        $url = trim((string)($request['url'] ?? ''));
        $secrets = trim((string)($request['secrets'] ?? ''));
        $wrong = [];
        if ($url !== '' && !preg_match('~^https?://[^\s/@]+(/\S*)?$~i', $url)) {
            $wrong[] = 'WRONG_URL';
        }
        if (!self::areSecrets($secrets)) {
            $wrong[] = 'WRONG_SECRETS';
        }
        if ($wrong) {
            return $wrong;
        }
        self::set('enabled', empty($request['enabled']) ? 'N' : 'Y');
        // A field that the environment or a file decides is locked, and not sent.
        if (isset($request['url'])) {
            self::set('url', $url);
        }
        // Write-only: an empty field leaves what is there.
        if ($secrets !== '') {
            self::set('secrets', $secrets);
        }
        self::saveChoices($request);
        return [];
    }

    private static function saveChoices(array $request): void
    {
        foreach (self::NUMBERS as $name) {
            [$least, $most] = Settings::bounds($name);
            self::set($name, (string)max($least, min($most, (int)($request[$name] ?? 0))));
        }
        foreach (['fast_path' => Settings::FAST_PATHS, 'log_level' => Settings::LOG_LEVELS] as $name => $known) {
            if (in_array($request[$name] ?? '', $known, true)) {
                self::set($name, $request[$name]);
            }
        }
    }

    private static function areSecrets(string $secrets): bool
    {
        $words = preg_split('/[\s,]+/', $secrets, -1, PREG_SPLIT_NO_EMPTY);
        return count($words) <= 2 && array_filter($words, [Signature::class, 'isSecret']) === $words;
    }

    private static function test(): array
    {
        $complaint = Sender::lack();
        if ($complaint !== '') {
            return ['TEST_IMPOSSIBLE', $complaint];
        }
        $answer = Sender::here()->ping(Settings::number('timeout'));
        return $answer->isDelivered() ? ['TEST_GOOD'] : ['TEST_BAD', $answer->reason()];
    }

    private static function set(string $name, string $value): void
    {
        Option::set(Settings::MODULE, $name, $value);
    }
}
