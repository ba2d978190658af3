<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\Localization\Loc;

/** The module's phrases, in the site's charset: their files are UTF-8, and an old site may be windows-1251. */
class Words
{
    /**
     * @param string $file whose phrases they are: Bitrix finds lang/ru/lib/reason.php by lib/reason.php
     * @param array $values what stands for #NAME#
     * @param string|null $language null: the page's
     */
    public static function of(string $file, string $name, array $values = [], ?string $language = null): string
    {
        Loc::loadMessages($file);
        $phrase = (string)Loc::getMessage("BITRIXPIPELINE_OUTBOX_$name", null, $language);
        return strtr(self::isUtf8() ? $phrase : mb_convert_encoding($phrase, 'Windows-1251', 'UTF-8'), $values);
    }

    /** Later versions of Bitrix know nothing else. */
    private static function isUtf8(): bool
    {
        return !method_exists(Application::class, 'isUtfMode') || Application::isUtfMode();
    }
}
