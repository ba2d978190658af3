<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\ModuleManager;

/** What the site must have. */
class Requirements
{
    public const PHP = '7.4.0';
    private const EXTENSIONS = ['curl', 'hash', 'json', 'mbstring'];
    /** The first versions that know SET TRANSACTION READ WRITE, which asks for an open transaction. */
    private const SERVERS = ['MySQL' => '5.6.5', 'MariaDB' => '10.0.0'];
    /** The first versions that have the events listened to. */
    private const MODULES = ['main' => '20.0.0', 'iblock' => '18.0.0', 'catalog' => '18.0.0', 'sale' => '18.0.0'];

    /** @return string[] what is missing, by its name and least version, with the one that is there: the same in any language */
    public static function missing(): array
    {
        $missing = [];
        if (version_compare(PHP_VERSION, self::PHP, '<')) {
            $missing[] = 'PHP ' . self::PHP . ' (' . PHP_VERSION . ')';
        }
        foreach (self::EXTENSIONS as $extension) {
            if (!extension_loaded($extension)) {
                $missing[] = "php-$extension";
            }
        }
        // PHP 7.4 may still count characters where bytes are asked for: in secrets, and in what is sent.
        if ((int)ini_get('mbstring.func_overload') !== 0) {
            $missing[] = 'mbstring.func_overload = 0';
        }
        return array_merge($missing, self::missingServer(), self::missingModules());
    }

    private static function missingServer(): array
    {
        $connection = Application::getConnection();
        if ($connection->getType() !== 'mysql') {
            return ["MySQL or MariaDB ({$connection->getType()})"];
        }
        $said = (string)$connection->queryScalar('SELECT VERSION()');
        $server = stripos($said, 'mariadb') === false ? 'MySQL' : 'MariaDB';
        // MySQL's own words may follow the number, and MariaDB may be told to begin with another one.
        preg_match($server === 'MySQL' ? '/[0-9.]+/' : '/[0-9.]+(?=-MariaDB)/i', $said, $version);
        $least = self::SERVERS[$server];
        return version_compare($version[0] ?? '0', $least, '<') ? ["$server $least ($said)"] : [];
    }

    private static function missingModules(): array
    {
        $missing = [];
        foreach (self::MODULES as $module => $least) {
            $version = ModuleManager::isModuleInstalled($module) || $module === 'main' ? ModuleManager::getVersion($module) : false;
            if (!$version || version_compare($version, $least, '<')) {
                $missing[] = "$module $least" . ($version ? " ($version)" : '');
            }
        }
        return $missing;
    }
}
