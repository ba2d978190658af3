<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Config\Option;

/** What the settings page does with what was sent to it. */
class SettingsForm
{
    private const ACTIONS = ['save', 'test', 'retry', 'retry_all', 'skip', 'webhook', 'replace_webhook'];
    private const NUMBERS = ['batch', 'run_seconds', 'timeout', 'fast_timeout', 'attempts'];

    /** @return Notice[] what was done, or why not */
    public static function handle(array $request, string $right, bool $isSessionGood, int $userId): array
    {
        $action = self::action($request);
        if ($action === '') {
            return [];
        }
        if ($right < 'W' || !$isSessionGood) {
            return [Notice::bad('NOT_ALLOWED')];
        }
        $ids = array_filter(array_map('intval', (array)($request['events'] ?? [])));
        switch ($action) {
            case 'save':
                return self::save($request) ?: [Notice::good('SAVED')];
            case 'test':
                return [self::test()];
            case 'retry_all':
                return [self::retry([])];
            case 'retry':
                return [$ids ? self::retry($ids) : Notice::bad('NONE_MARKED')];
            case 'skip':
                return [$ids ? Notice::good('SKIPPED', '', ['#COUNT#' => (new Desk())->skip($ids)]) : Notice::bad('NONE_MARKED')];
            case 'webhook':
                return [self::webhook(static function () use ($userId): string {
                    return IncomingWebhook::create($userId);
                })];
            default:
                return [self::webhook(static function () use ($userId, $request): string {
                    return self::replaceWebhook($userId, self::text($request, 'webhook'));
                })];
        }
    }

    public static function numbers(): array
    {
        return self::NUMBERS;
    }

    private static function action(array $request): string
    {
        foreach (self::ACTIONS as $action) {
            if (!empty($request["bitrixpipeline_$action"])) {
                return $action;
            }
        }
        return '';
    }

    /** All or nothing. @return Notice[] what is wrong */
    private static function save(array $request): array
    {
        $url = self::text($request, 'url');
        $secrets = self::text($request, 'secrets');
        $wrong = self::wrongNumbers($request);
        if ($url !== '' && !Settings::isUrl($url)) {
            $wrong[] = Notice::bad('WRONG_URL');
        }
        if (!self::areSecrets($secrets)) {
            $wrong[] = Notice::bad('WRONG_SECRETS');
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
        Agent::add();
        return [];
    }

    /** @return Notice[] */
    private static function wrongNumbers(array $request): array
    {
        $wrong = [];
        foreach (array_intersect(self::NUMBERS, array_keys($request)) as $name) {
            [$least, $most] = Settings::bounds($name);
            $number = self::text($request, $name);
            if (!preg_match('/^[0-9]{1,9}$/D', $number) || (int)$number < $least || (int)$number > $most) {
                $label = Words::of(dirname(__DIR__) . '/options.php', strtoupper($name));
                $wrong[] = Notice::bad('WRONG_NUMBER', '', ['#FIELD#' => $label, '#LEAST#' => $least, '#MOST#' => $most]);
            }
        }
        return $wrong;
    }

    private static function saveChoices(array $request): void
    {
        foreach (array_intersect(self::NUMBERS, array_keys($request)) as $name) {
            self::set($name, (string)(int)self::text($request, $name));
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

    private static function test(): Notice
    {
        $lack = Sender::lack();
        if ($lack !== '') {
            return Notice::bad('TEST_IMPOSSIBLE', Reason::inWords($lack));
        }
        $fault = Sender::here()->fault(Settings::number('timeout'));
        $values = ['#URL#' => Settings::url()];
        return $fault === '' ? Notice::good('TEST_GOOD', '', $values) : Notice::bad('TEST_BAD', Reason::inWords($fault), $values);
    }

    private static function retry(array $ids): Notice
    {
        $desk = new Desk();
        $count = array_sum($desk->retry($ids));
        $left = $ids ? 0 : $desk->retriable();
        $complaint = Sender::complaint();
        $details = $complaint === '' ? '' : Reason::inWords($complaint);
        $phrase = $left ? 'RETRIED_SOME' : ($count ? 'RETRIED' : 'RETRIED_NONE');
        return Notice::good($phrase, $details, ['#COUNT#' => $count, '#LEFT#' => $left]);
    }

    /** The address is shown this once: Bitrix's cache and the page forget it. */
    private static function webhook(callable $make): Notice
    {
        try {
            return Notice::good('WEBHOOK_GOOD', $make());
        } catch (WebhookProblem $problem) {
            return Notice::bad('WEBHOOK_BAD', $problem->inWords());
        }
    }

    /** The one that the page showed: a page that is loaded again would replace what it has just made. */
    private static function replaceWebhook(int $userId, string $seen): string
    {
        $existing = IncomingWebhook::existing();
        if ($existing && $existing['ID'] !== $seen) {
            throw new WebhookProblem('ANOTHER');
        }
        return IncomingWebhook::replace($userId);
    }

    private static function text(array $request, string $name): string
    {
        return is_string($request[$name] ?? null) ? trim($request[$name]) : '';
    }

    private static function set(string $name, string $value): void
    {
        Option::set(Settings::MODULE, $name, $value);
    }
}
