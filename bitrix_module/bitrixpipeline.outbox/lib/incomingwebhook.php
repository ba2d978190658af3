<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\Loader;
use Bitrix\Main\UserTable;
use Bitrix\Rest\APAuth\PasswordTable;
use Bitrix\Rest\APAuth\PermissionTable;

/** The address that the pipeline calls: one at a time. "Site Management" has no page where one could be made. */
class IncomingWebhook
{
    /** Which of REST's credentials is ours. */
    private const OPTIONS = ['webhook_id', 'webhook_user'];

    /** Stands in an address in place of the site's name where no setting has it. */
    public const UNKNOWN_SITE = 'THE-SITE';

    private const SCOPES = ['sale', RestMethods::SCOPE];
    private const TITLE = 'bitrix_pipeline';

    /** The address, which is a secret and cannot be shown again. Throws WebhookProblem. */
    public static function create(int $userId): string
    {
        self::requireRest();
        if ($existing = self::existing()) {
            throw WebhookProblem::exists($existing);
        }
        self::requireUser($userId);
        return self::remember(self::make($userId));
    }

    /** The address of another one, and the old one is gone; when that cannot be, the old one still works. Throws WebhookProblem. */
    public static function replace(int $userId): string
    {
        self::requireRest();
        self::requireUser($userId);
        $old = self::existing();
        $made = self::make($userId);
        try {
            $old && self::remove((int)$old['ID']);
        } catch (WebhookProblem $problem) {
            self::remove((int)$made['ID']);
            throw $problem;
        }
        return self::remember($made);
    }

    /** ID, USER_ID and DATE_CREATE of ours, as text; null when there is none, or somebody has deleted it. */
    public static function existing(): ?array
    {
        $id = (int)Option::get(Settings::MODULE, 'webhook_id', '0');
        if ($id <= 0 || !Loader::includeModule('rest')) {
            return null;
        }
        // Old servers give the last ID again: the user must be the same one, too.
        $user = (int)Option::get(Settings::MODULE, 'webhook_user', '0');
        $row = PasswordTable::getRow([
            'select' => ['ID', 'USER_ID', 'DATE_CREATE'],
            'filter' => ['=ID' => $id, '=USER_ID' => $user],
        ]);
        return $row === null ? null : array_map('strval', $row);
    }

    /** False when there is none. Throws WebhookProblem. */
    public static function delete(): bool
    {
        $existing = self::existing();
        if ($existing) {
            self::remove((int)$existing['ID']);
            foreach (self::OPTIONS as $name) {
                Option::delete(Settings::MODULE, ['name' => $name]);
            }
        }
        return (bool)$existing;
    }

    /** ID, USER_ID and PASSWORD. */
    private static function make(int $userId): array
    {
        try {
            $made = PasswordTable::createPassword($userId, self::SCOPES, self::TITLE, true);
        } catch (\Throwable $fault) {
            Journal::error('REST made no incoming webhook', ['fault' => Journal::name($fault)]);
            $made = false;
        }
        // Early versions answer with the password alone.
        $row = is_string($made) && $made !== '' ? PasswordTable::getRow([
            'select' => ['ID', 'USER_ID', 'PASSWORD'],
            'filter' => ['=USER_ID' => $userId, '=PASSWORD' => $made],
        ]) : $made;
        if (!is_array($row) || (string)($row['PASSWORD'] ?? '') === '') {
            throw new WebhookProblem('REFUSED', ['#USER#' => $userId]);
        }
        return $row;
    }

    /** The address. */
    private static function remember(array $made): string
    {
        Option::set(Settings::MODULE, 'webhook_id', (string)$made['ID']);
        Option::set(Settings::MODULE, 'webhook_user', (string)$made['USER_ID']);
        return self::host() . "/rest/{$made['USER_ID']}/{$made['PASSWORD']}/";
    }

    private static function remove(int $id): void
    {
        if (!PasswordTable::delete($id)->isSuccess()) {
            throw new WebhookProblem('NOT_DELETED', ['#ID#' => $id]);
        }
        if (method_exists(PermissionTable::class, 'deleteByPasswordId')) {
            PermissionTable::deleteByPasswordId($id);
        }
    }

    private static function requireRest(): void
    {
        if (!Loader::includeModule('rest')) {
            throw new WebhookProblem('NO_REST');
        }
    }

    private static function requireUser(int $id): void
    {
        $user = UserTable::getRow(['select' => ['ID', 'ACTIVE'], 'filter' => ['=ID' => $id]]);
        if (!$user || $user['ACTIVE'] !== 'Y') {
            throw new WebhookProblem('NO_USER', ['#USER#' => $id]);
        }
    }

    private static function host(): string
    {
        $ofSite = "SELECT SERVER_NAME FROM b_lang WHERE ACTIVE = 'Y' ORDER BY DEF = 'Y' DESC, SORT";
        $name = (string)Option::get('main', 'server_name', '') ?: (string)Application::getConnection()->queryScalar($ofSite)
            ?: (string)($_SERVER['SERVER_NAME'] ?? '');
        return 'https://' . (preg_replace('~^https?://|/.*$~', '', $name) ?: self::UNKNOWN_SITE);
    }
}
