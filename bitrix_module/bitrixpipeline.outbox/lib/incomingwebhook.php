<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Config\Option;
use Bitrix\Main\Loader;
use Bitrix\Rest\APAuth\PasswordTable;

/** The address that the pipeline calls. "Site Management" has no page where one could be made. */
class IncomingWebhook
{
    private const SCOPES = ['sale', RestMethods::SCOPE];
    private const TITLE = 'bitrix_pipeline';

    /** The address, which is a secret and cannot be shown again; '' when REST cannot make it. */
    public static function create(int $userId): string
    {
        if ($userId <= 0 || !Loader::includeModule('rest')) {
            return '';
        }
        $made = PasswordTable::createPassword($userId, self::SCOPES, self::TITLE, true);
        $code = is_array($made) ? (string)($made['PASSWORD'] ?? '') : '';
        return $code === '' ? '' : self::host() . "/rest/$userId/$code/";
    }

    private static function host(): string
    {
        $name = (string)Option::get('main', 'server_name', '') ?: (string)($_SERVER['SERVER_NAME'] ?? 'localhost');
        return 'https://' . preg_replace('~^https?://|/.*$~', '', $name);
    }
}
