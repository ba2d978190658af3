<?php
// The sample shop has no Bitrix: these few classes are all that the module's handlers and sender ask of it.
namespace Bitrix\Main\Config {
    class Configuration
    {
        public static function getValue($name)
        {
            return null;
        }
    }

    /** Nobody has changed a setting: the module's defaults hold. */
    class Option
    {
        public static function get($moduleId, $name, $default = '', $siteId = false)
        {
            return $default !== '' ? $default : (self::getDefaults($moduleId)[$name] ?? '');
        }

        public static function getDefaults($moduleId)
        {
            include getenv('BITRIX_PIPELINE_MODULE') . '/default_option.php';
            return ${str_replace('.', '_', $moduleId) . '_default_option'};
        }
    }
}

namespace Bitrix\Main {
    class Application
    {
        private static $connection;

        public static function getInstance()
        {
            return new self();
        }

        public function getConnectionPool()
        {
            return new DB\ConnectionPool();
        }

        public static function getConnection($name = '')
        {
            return self::$connection = self::$connection
                ?: new DB\Connection(json_decode(getenv('BITRIX_PIPELINE_SHOP'), true));
        }
    }

    class Event
    {
        private $parameters;

        public function __construct($moduleId, $type, $parameters = [])
        {
            $this->parameters = $parameters;
        }

        public function getParameter($key)
        {
            return $this->parameters[$key] ?? null;
        }
    }

    class Loader
    {
        public static function includeModule($moduleName)
        {
            spl_autoload_register(static function ($class) {
                require_once getenv('BITRIX_PIPELINE_MODULE') . '/lib/' . strtolower(basename(strtr($class, '\\', '/'))) . '.php';
            });
            return true;
        }
    }
}

namespace {
    define('B_PROLOG_INCLUDED', true);
    require dirname(__DIR__, 4) . '/database.php';
}
