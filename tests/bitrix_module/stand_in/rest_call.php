<?php
// Included by a test whose hit is a call of REST.
class CRestServer
{
    private static $instance;

    public static function instance()
    {
        return self::$instance = self::$instance ?: new self();
    }
}
