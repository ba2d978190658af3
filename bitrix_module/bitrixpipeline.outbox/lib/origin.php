<?php
namespace Bitrixpipeline\Outbox;

/**
 * Where the change was made. It goes with the event, for whoever reads the inbox, and nothing is decided by it:
 * `rest` is what the pipeline itself writes, and everybody else who uses REST. That the pipeline's own status
 * comes back as no news is the push's doing, which knows the order to have it already.
 */
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
