<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\Config\Option;
use Bitrix\Main\ModuleManager;

/** Tables, handlers and agent; brought up to date where a newer module was copied over an older one. */
class Schema
{
    /** Grows with every change of tables, of handlers, or of the agent. */
    public const VERSION = 1;
    /**
     * Columns that came after version 1: table, name, definition. Only ever added, so that an older module still
     * works; and no handler may name one: the first hits after the copying may be unable to add it.
     */
    private const ADDED = [];
    private const OPTION = 'schema_version';
    private const LOCK = 'bitrixpipeline_outbox_schema';
    /** While a change of a table waits for a transaction that has read it, all hits that write there wait behind it. */
    private const LOCK_SECONDS = 3;
    private const FAILED_AT = 'upgrade_failed_at';
    private const SECONDS_AFTER_FAILURE = 300;

    public static function install(): void
    {
        (new DatabaseSession(Application::getConnection()))->with('lock_wait_timeout', self::LOCK_SECONDS, static function (): void {
            self::runScript('install.sql');
            self::addColumns();
        });
        Events::register();
        Agent::add();
        self::remember();
    }

    /**
     * Twice does no harm; a fault must not break the hit that it happens in, nor be met by each hit.
     * A change of a table commits what is open: within the site's transaction it is left to a later hit.
     */
    public static function upgradeIfNeeded(): void
    {
        try {
            if (self::isOld() && !self::hasJustFailed()) {
                Master::only(static function (): void {
                    if (!(new DatabaseSession(Application::getConnection()))->isInTransaction()) {
                        self::upgrade();
                    }
                });
            }
        } catch (\Throwable $fault) {
            Journal::error('the upgrade failed', ['fault' => Journal::name($fault)]);
        }
    }

    public static function uninstall(bool $keepOutbox): void
    {
        Events::unregister();
        \CAgent::RemoveModuleAgents(Settings::MODULE);
        Option::delete(Settings::MODULE);
        // An account that may not make tables may not drop any either, even where there are none.
        if (!$keepOutbox && self::hasTables()) {
            self::runScript('uninstall.sql');
        }
    }

    public static function hasTables(): bool
    {
        return (bool)Application::getConnection()->queryScalar(
            "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'b\\_bitrixpipeline\\_%'"
        );
    }

    public static function stored(): int
    {
        return (int)Option::get(Settings::MODULE, self::OPTION, '0');
    }

    private static function isOld(): bool
    {
        $stored = self::stored();
        return $stored > 0 && $stored < self::VERSION && ModuleManager::isModuleInstalled(Settings::MODULE);
    }

    private static function hasJustFailed(): bool
    {
        $failedAt = (int)Option::get(Settings::MODULE, self::FAILED_AT, '0');
        return abs(time() - $failedAt) < self::SECONDS_AFTER_FAILURE;
    }

    private static function upgrade(): void
    {
        $connection = Application::getConnection();
        if (!$connection->queryScalar("SELECT GET_LOCK('" . self::LOCK . "', 0)")) {
            return;
        }
        try {
            self::install();
        } catch (\Throwable $fault) {
            Option::set(Settings::MODULE, self::FAILED_AT, (string)time());
            throw $fault;
        } finally {
            $connection->queryScalar("SELECT RELEASE_LOCK('" . self::LOCK . "')");
        }
    }

    /** Asked first, not by version: after a roll-back the tables are newer than the stored number. */
    private static function addColumns(): void
    {
        $connection = Application::getConnection();
        foreach (self::ADDED as [$table, $column, $definition]) {
            $isThere = $connection->queryScalar(
                "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '$table' AND COLUMN_NAME = '$column'"
            );
            if (!$isThere) {
                $connection->queryExecute("ALTER TABLE $table ADD COLUMN $column $definition");
            }
        }
    }

    private static function remember(): void
    {
        Option::set(Settings::MODULE, self::OPTION, (string)self::VERSION);
    }

    private static function runScript(string $name): void
    {
        $script = (string)file_get_contents(dirname(__DIR__) . "/install/db/mysql/$name");
        foreach (array_filter(array_map('trim', explode(';', $script))) as $statement) {
            Application::getConnection()->queryExecute($statement);
        }
    }
}
