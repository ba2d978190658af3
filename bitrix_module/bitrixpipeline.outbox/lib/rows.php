<?php
namespace Bitrixpipeline\Outbox;

/** Reads rows as MySQL's own text, in UTF-8; an instant (TIMESTAMP) with its offset. */
class Rows
{
    private const INSTANT = 'BITRIXPIPELINE_AT_';
    private const TABLES = [
        'b_sale_order', 'b_sale_basket', 'b_sale_order_props_value', 'b_user',
        'b_iblock_element', 'b_iblock_section', 'b_catalog_product', 'b_catalog_price',
    ];

    private $connection;
    private $instants;
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

    /** @param string $more further columns and tables: ", p.X FROM … JOIN …" is put between */
    public function all(string $table, string $where, string $columns = '', string $join = ''): array
    {
        $instants = $this->instants()[$table] ?? [];
        $extra = '';
        foreach ($instants as $name) {
            $extra .= ", UNIX_TIMESTAMP(t.$name) AS " . self::INSTANT . $name;
        }
        $rows = $this->select("SELECT t.*$columns$extra FROM $table t $join WHERE $where ORDER BY 1");
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

    /** Which columns are TIMESTAMP: it differs between the years of Bitrix. */
    private function instants(): array
    {
        if ($this->instants === null) {
            $this->instants = [];
            $tables = "'" . implode("','", self::TABLES) . "'";
            $result = $this->connection->query(
                'SELECT TABLE_NAME AS T, COLUMN_NAME AS C FROM information_schema.COLUMNS'
                . " WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE = 'timestamp' AND TABLE_NAME IN ($tables)"
            );
            while ($row = $result->fetchRaw()) {
                $this->instants[$row['T']][] = $row['C'];
            }
        }
        return $this->instants;
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
