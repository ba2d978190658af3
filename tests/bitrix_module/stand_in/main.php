<?php
// A stand-in for the few classes of Bitrix's main module that ours uses, with their signatures. Tests only.
namespace Bitrix\Main\Config {
    use Bitrix\Main\Application;

    class Configuration
    {
        public static function getValue($name)
        {
            $all = include $_SERVER['DOCUMENT_ROOT'] . '/bitrix/.settings.php';
            return $all[$name]['value'] ?? null;
        }
    }

    class Option
    {
        public static function get($moduleId, $name, $default = '', $siteId = false)
        {
            $all = self::getForModule($moduleId);
            return $all[$name] ?? ($default !== '' ? $default : (self::getDefaults($moduleId)[$name] ?? $default));
        }

        public static function set($moduleId, $name, $value = '', $siteId = '')
        {
            [$module, $name, $value] = self::quoted([$moduleId, $name, (string)$value]);
            Application::getConnection()->queryExecute("DELETE FROM b_option WHERE MODULE_ID = '$module' AND NAME = '$name'");
            Application::getConnection()->queryExecute("INSERT INTO b_option (MODULE_ID, NAME, VALUE) VALUES ('$module', '$name', '$value')");
        }

        public static function delete($moduleId, array $filter = [])
        {
            $and = isset($filter['name']) ? " AND NAME = '" . self::quoted([$filter['name']])[0] . "'" : '';
            Application::getConnection()->queryExecute("DELETE FROM b_option WHERE MODULE_ID = '" . self::quoted([$moduleId])[0] . "'$and");
        }

        public static function getForModule($moduleId, $siteId = false)
        {
            $result = Application::getConnection()->query("SELECT NAME, VALUE FROM b_option WHERE MODULE_ID = '" . self::quoted([$moduleId])[0] . "'");
            $found = [];
            while ($row = $result->fetchRaw()) {
                $found[$row['NAME']] = $row['VALUE'];
            }
            return $found;
        }

        public static function getDefaults($moduleId)
        {
            $file = $_SERVER['DOCUMENT_ROOT'] . "/local/modules/$moduleId/default_option.php";
            if (!is_file($file)) {
                return [];
            }
            include $file;
            return ${str_replace('.', '_', $moduleId) . '_default_option'};
        }

        private static function quoted(array $words)
        {
            return array_map([Application::getConnection()->getSqlHelper(), 'forSql'], $words);
        }
    }
}

namespace Bitrix\Main\Localization {
    class Loc
    {
        private static $messages = [];

        public static function loadMessages($file)
        {
            $root = $_SERVER['DOCUMENT_ROOT'] . '/local/modules/bitrixpipeline.outbox';
            foreach (['en', 'ru'] as $language) {
                $lang = "$root/lang/$language" . substr(realpath($file), strlen(realpath($root)));
                if (is_file($lang)) {
                    $MESS = [];
                    include $lang;
                    self::$messages[$language] = $MESS + (self::$messages[$language] ?? []);
                }
            }
        }

        public static function getMessage($code, $replace = null, $language = null)
        {
            $message = self::$messages[$language ?: LANGUAGE_ID][$code] ?? null;
            return $message === null ? null : strtr($message, $replace ?: []);
        }
    }
}

namespace Bitrix\Main\ORM\Data {
    use Bitrix\Main\Application;

    abstract class DataManager
    {
        abstract public static function getTableName();

        public static function getRow(array $parameters)
        {
            $sql = Application::getConnection()->getSqlHelper();
            $conditions = ['TRUE'];
            foreach ($parameters['filter'] as $name => $value) {
                $conditions[] = ltrim($name, '=') . " = '" . $sql->forSql((string)$value) . "'";
            }
            $columns = implode(', ', $parameters['select']);
            $where = implode(' AND ', $conditions);
            return Application::getConnection()->query("SELECT $columns FROM " . static::getTableName() . " WHERE $where LIMIT 1")->fetchRaw() ?: null;
        }

        public static function delete($primary)
        {
            Application::getConnection()->queryExecute('DELETE FROM ' . static::getTableName() . ' WHERE ID = ' . (int)$primary);
            return new \Bitrix\Sale\Result();
        }
    }
}

namespace Bitrix\Main {
    class UserTable extends ORM\Data\DataManager
    {
        public static function getTableName()
        {
            return 'b_user';
        }
    }

    class Application
    {
        private static $instance;
        private static $connection;
        private $jobs = [];
        private $pool;

        public function getConnectionPool()
        {
            return $this->pool = $this->pool ?: new DB\ConnectionPool();
        }

        public static function getInstance()
        {
            return self::$instance = self::$instance ?: new self();
        }

        public static function getConnection($name = '')
        {
            $of = Config\Configuration::getValue('connections')['default'];
            return self::$connection = self::$connection ?: new DB\Connection($of);
        }

        /** Whether the site is in UTF-8, not in windows-1251. */
        public static function isUtfMode()
        {
            return Config\Configuration::getValue('connections')['default']['charset'] !== 'cp1251';
        }

        public function addBackgroundJob(callable $job, array $args = [], $priority = 100)
        {
            $this->jobs[] = [$job, $args];
        }

        /** What Bitrix does after the response was flushed. */
        public function terminate($status = 0)
        {
            while ($job = array_shift($this->jobs)) {
                call_user_func_array($job[0], $job[1]);
            }
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

        public function getParameters()
        {
            return $this->parameters;
        }
    }

    class EventManager
    {
        private static $instance;

        public static function getInstance()
        {
            return self::$instance = self::$instance ?: new self();
        }

        public function registerEventHandler($fromModuleId, $eventType, $toModuleId, $toClass = '', $toMethod = '', $sort = 100, $toPath = '', $toMethodArg = [])
        {
            $this->register(2, $fromModuleId, $eventType, $toModuleId, $toClass, $toMethod);
        }

        public function registerEventHandlerCompatible($fromModuleId, $eventType, $toModuleId, $toClass = '', $toMethod = '', $sort = 100, $toPath = '', $toMethodArg = [])
        {
            $this->register(1, $fromModuleId, $eventType, $toModuleId, $toClass, $toMethod);
        }

        public function unRegisterEventHandler($fromModuleId, $eventType, $toModuleId, $toClass = '', $toMethod = '', $toPath = '', $toMethodArg = [])
        {
            [$from, $event, $to, $class, $method] = self::quoted([$fromModuleId, $eventType, $toModuleId, $toClass, $toMethod]);
            Application::getConnection()->queryExecute(
                "DELETE FROM b_module_to_module WHERE FROM_MODULE_ID = '$from' AND MESSAGE_ID = '$event' AND TO_MODULE_ID = '$to' AND TO_CLASS = '$class' AND TO_METHOD = '$method'"
            );
        }

        /** Calls the handlers as Bitrix does: rethrows, and includes the target module first. */
        public function fire($moduleId, $eventType, array $arguments)
        {
            [$module, $event] = self::quoted([$moduleId, $eventType]);
            $rows = Application::getConnection()->query("SELECT * FROM b_module_to_module WHERE FROM_MODULE_ID = '$module' AND MESSAGE_ID = '$event' ORDER BY SORT, ID");
            $results = [];
            while ($row = $rows->fetchRaw()) {
                Loader::includeModule($row['TO_MODULE_ID']);
                $given = $row['VERSION'] === '2' ? [new Event($moduleId, $eventType, $arguments)] : self::references($arguments);
                $results[] = call_user_func_array([$row['TO_CLASS'], $row['TO_METHOD']], $given);
            }
            return $results;
        }

        private static function references(array &$arguments)
        {
            $given = [];
            foreach ($arguments as $index => $value) {
                $given[] = &$arguments[$index];
            }
            return $given;
        }

        private function register($version, ...$words)
        {
            [$from, $event, $to, $class, $method] = self::quoted($words);
            $unique = md5("$from$event$to$class$method$version");
            Application::getConnection()->queryExecute(
                "INSERT IGNORE INTO b_module_to_module (SORT, FROM_MODULE_ID, MESSAGE_ID, TO_MODULE_ID, TO_CLASS, TO_METHOD, VERSION, UNIQUE_ID)"
                . " VALUES (100, '$from', '$event', '$to', '$class', '$method', $version, '$unique')"
            );
        }

        private static function quoted(array $words)
        {
            return array_map([Application::getConnection()->getSqlHelper(), 'forSql'], $words);
        }
    }

    class ModuleManager
    {
        public static function isModuleInstalled($moduleName)
        {
            return (bool)Application::getConnection()->queryScalar("SELECT 1 FROM b_module WHERE ID = '$moduleName'");
        }

        public static function registerModule($moduleName)
        {
            Application::getConnection()->queryExecute("INSERT INTO b_module (ID) VALUES ('$moduleName')");
        }

        public static function unRegisterModule($moduleName)
        {
            \CAgent::RemoveModuleAgents($moduleName);
            Application::getConnection()->queryExecute("DELETE FROM b_module WHERE ID = '$moduleName'");
        }

        public static function getVersion($moduleName)
        {
            $file = $_SERVER['DOCUMENT_ROOT'] . "/local/modules/$moduleName/install/version.php";
            if (!is_file($file)) {
                return self::isModuleInstalled($moduleName) || $moduleName === 'main' ? '25.0.0' : false;
            }
            include $file;
            return $arModuleVersion['VERSION'];
        }
    }

    class Loader
    {
        private static $included = [];

        public static function includeModule($moduleName)
        {
            if (!ModuleManager::isModuleInstalled($moduleName)) {
                return false;
            }
            $root = $_SERVER['DOCUMENT_ROOT'] . "/local/modules/$moduleName";
            if (!isset(self::$included[$moduleName]) && is_dir($root)) {
                self::$included[$moduleName] = true;
                self::autoload($moduleName, "$root/lib");
                include "$root/include.php";
            }
            return true;
        }

        private static function autoload($moduleName, $folder)
        {
            $namespace = implode('\\', array_map('ucfirst', explode('.', $moduleName))) . '\\';
            spl_autoload_register(static function ($class) use ($namespace, $folder) {
                if (stripos($class, $namespace) === 0) {
                    $path = str_replace('\\', '/', substr($class, strlen($namespace)));
                    foreach ([strtolower($path), $path] as $name) {
                        if (is_file("$folder/$name.php")) {
                            require_once "$folder/$name.php";
                            return;
                        }
                    }
                }
            });
        }
    }
}
