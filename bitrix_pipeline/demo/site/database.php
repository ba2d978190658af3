<?php
// Bitrix's connection to MySQL, as far as our module uses it.
namespace Bitrix\Main\DB;

/** Of one server. Counts who asked for the master alone, to be found as it was. */
class ConnectionPool
{
    public $masterOnly = 0;

    public function useMasterOnly($mode)
    {
        $this->masterOnly += $mode ? 1 : -1;
    }
}

class SqlQueryException extends \Exception
{
}

class Result
{
    private $result;

    public function __construct($result)
    {
        $this->result = $result;
    }

    public function fetchRaw()
    {
        return $this->result->fetch_assoc() ?: false;
    }

    public function fetch()
    {
        return $this->fetchRaw();
    }
}

class SqlHelper
{
    private $link;

    public function __construct(\mysqli $link)
    {
        $this->link = $link;
    }

    public function forSql($value, $maxLength = 0)
    {
        return $this->link->real_escape_string($maxLength > 0 ? mb_substr($value, 0, $maxLength) : $value);
    }
}

class Connection
{
    public $link;
    private $affected = 0;

    public function __construct(array $of)
    {
        mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
        [$host, $port] = explode(':', $of['host']) + [1 => 3306];
        $this->link = new \mysqli($host, $of['login'], $of['password'], $of['database'], (int)$port);
        $this->link->set_charset($of['charset'] ?? 'utf8mb4');
        $this->link->query("SET sql_mode = '', time_zone = '+03:00'");
    }

    public function getType()
    {
        return 'mysql';
    }

    public function query($sql)
    {
        return new Result($this->execute($sql));
    }

    public function queryScalar($sql)
    {
        // Bitrix asks for one row itself: a LIMIT in the statement would be one too many.
        $row = $this->execute("$sql\nLIMIT 0, 1\n")->fetch_row();
        return $row ? $row[0] : null;
    }

    public function queryExecute($sql)
    {
        $this->execute($sql);
    }

    public function getAffectedRowsCount()
    {
        return $this->affected;
    }

    public function getSqlHelper()
    {
        return new SqlHelper($this->link);
    }

    public function startTransaction()
    {
        $this->link->begin_transaction();
    }

    public function commitTransaction()
    {
        $this->link->commit();
    }

    public function rollbackTransaction()
    {
        $this->link->rollback();
    }

    private function execute($sql)
    {
        try {
            $result = $this->link->query($sql);
        } catch (\mysqli_sql_exception $fault) {
            throw new SqlQueryException("Mysql query error: ({$fault->getCode()}) {$fault->getMessage()} in $sql", 400);
        }
        $this->affected = $this->link->affected_rows;
        return $result;
    }
}
