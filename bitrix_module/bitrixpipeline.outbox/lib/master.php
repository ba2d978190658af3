<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;

/** Where the shop has a cluster of databases: a slave may lag, and knows neither our transaction nor our locks. */
class Master
{
    /** What the work returns; it reads from the master, too. */
    public static function only(callable $work)
    {
        $pool = Application::getInstance()->getConnectionPool();
        $pool->useMasterOnly(true);
        try {
            return $work();
        } finally {
            $pool->useMasterOnly(false);
        }
    }
}
