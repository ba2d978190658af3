<?php
namespace Bitrixpipeline\Outbox;

/** Who makes the change: a status that the pipeline itself sets through REST is no news to it. */
class Origin
{
    public static function current(): string
    {
        if (class_exists('CRestServer', false) && \CRestServer::instance() !== null) {
            return 'rest';
        }
        if (strpos((string)($_SERVER['SCRIPT_NAME'] ?? ''), '1c_exchange') !== false) {
            return '1c';
        }
        return defined('ADMIN_SECTION') && ADMIN_SECTION === true ? 'admin' : 'site';
    }
}
