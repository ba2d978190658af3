<?php
namespace Bitrixpipeline\Outbox;

/** Reads rows as MySQL's own text, in UTF-8; an instant (TIMESTAMP) with its offset. */
class Rows
{
    private const INSTANT = 'BITRIXPIPELINE_AT_';

    private $connection;
    private $columns;
    private $isCp1251;

    public function __construct($connection)
    {
        $this->connection = $connection;
    }

    /** @param int[] $values */
    public function among(string $table, string $column, array $values, string $and = ''): array
    {
        $found = [];
        foreach (array_chunk(array_unique($values), 500) as $some) {
            $list = implode(',', array_map('intval', $some));
            $found = array_merge($found, $this->all($table, "t.$column IN ($list) $and"));
        }
        return $found;
    }

    public function one(string $table, int $id): ?array
    {
        return $this->all($table, "t.ID = $id")[0] ?? null;
    }

    /** @param string $more further columns, of what is joined: ", p.X" */
    public function all(string $table, string $where, string $more = '', string $join = ''): array
    {
        $columns = $this->columns($table);
        $instants = array_keys(array_filter($columns));
        $list = 't.' . implode(', t.', array_keys($columns));
        foreach ($instants as $name) {
            $list .= ", UNIX_TIMESTAMP(t.$name) AS " . self::INSTANT . $name;
        }
        $rows = $this->select("SELECT $list$more FROM $table t $join WHERE $where ORDER BY 1");
        return $instants ? array_map(function (array $row) use ($instants): array {
            return $this->withOffsets($row, $instants);
        }, $rows) : $rows;
    }

    public function select(string $sql): array
    {
        $result = $this->connection->query($sql);
        $rows = [];
        while ($row = $result->fetchRaw()) {
            $rows[] = $this->isCp1251() ? array_map([self::class, 'fromCp1251'], $row) : $row;
        }
        return $rows;
    }

    private function withOffsets(array $row, array $instants): array
    {
        foreach ($instants as $name) {
            $seconds = (int)$row[self::INSTANT . $name];
            unset($row[self::INSTANT . $name]);
            if ($seconds > 0) {
                $row[$name] = gmdate('Y-m-d H:i:s', $seconds) . '+00:00';
            }
        }
        return $row;
    }

    /** What may go and is there; and whether it is a TIMESTAMP. Both differ between the years of Bitrix. @return bool[] */
    private function columns(string $table): array
    {
        $this->columns = $this->columns ?? $this->columnsThere();
        $columns = [];
        foreach (array_intersect(Columns::OF[$table], array_keys($this->columns[$table])) as $name) {
            $columns[$name] = $this->columns[$table][$name];
        }
        return $columns;
    }

    /** @return bool[][] */
    private function columnsThere(): array
    {
        $tables = "'" . implode("','", array_keys(Columns::OF)) . "'";
        $result = $this->connection->query(
            "SELECT TABLE_NAME AS T, COLUMN_NAME AS C, DATA_TYPE = 'timestamp' AS IS_INSTANT FROM information_schema.COLUMNS"
            . " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ($tables)"
        );
        $there = [];
        while ($row = $result->fetchRaw()) {
            $there[$row['T']][$row['C']] = (bool)$row['IS_INSTANT'];
        }
        return $there;
    }

    private function isCp1251(): bool
    {
        if ($this->isCp1251 === null) {
            $this->isCp1251 = $this->connection->queryScalar('SELECT @@character_set_results') === 'cp1251';
        }
        return $this->isCp1251;
    }

    private static function fromCp1251($value)
    {
        return is_string($value) ? mb_convert_encoding($value, 'UTF-8', 'Windows-1251') : $value;
    }
}
