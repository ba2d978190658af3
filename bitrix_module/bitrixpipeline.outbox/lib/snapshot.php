<?php
namespace Bitrixpipeline\Outbox;

/** What an event carries: the rows that it is news of, as docs/events.md of the pipeline has them. */
class Snapshot
{
    private $rows;
    private $catalogs;

    public function __construct(Rows $rows)
    {
        $this->rows = $rows;
    }

    /** The parts by name; null when the row is not there (any more). */
    public function of(string $entity, int $id): ?array
    {
        switch ($entity) {
            case 'order':
                return $this->order($id);
            case 'user':
                return self::unlessGone('user', $this->user($id));
            case 'product':
                return self::unlessGone('product', $this->products([$id])[0] ?? null);
            default:
                return self::unlessGone('category', $this->category($id));
        }
    }

    public function isOfCatalog(int $iblockId): bool
    {
        return isset($this->catalogs()[$iblockId]);
    }

    public function hasIblock(int $iblockId): bool
    {
        return (bool)$this->rows->select("SELECT ID FROM b_iblock WHERE ID = $iblockId");
    }

    /** The iblock of an element or section; null when the row is gone. */
    public function iblockOf(string $entity, int $id): ?int
    {
        $table = $entity === 'product' ? 'b_iblock_element' : 'b_iblock_section';
        $row = $this->rows->select("SELECT IBLOCK_ID FROM $table WHERE ID = $id")[0] ?? null;
        return $row ? (int)$row['IBLOCK_ID'] : null;
    }

    public function hasOrder(int $id): bool
    {
        return (bool)$this->rows->select("SELECT ID FROM b_sale_order WHERE ID = $id");
    }

    /** Shops of before 2017 have no archive. */
    public function isArchived(int $id): bool
    {
        $table = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'b_sale_order_archive'";
        return $this->rows->select($table) && $this->rows->select("SELECT ID FROM b_sale_order_archive WHERE ORDER_ID = $id");
    }

    private function order(int $id): ?array
    {
        $order = $this->rows->one('b_sale_order', $id);
        if ($order === null) {
            return null;
        }
        $basket = $this->rows->all('b_sale_basket', "t.ORDER_ID = $id");
        return [
            'order' => $order,
            'basket' => $basket,
            'properties' => $this->properties($id),
            'user' => $this->user((int)$order['USER_ID']),
            'products' => $this->products(array_map('intval', array_column($basket, 'PRODUCT_ID'))),
        ];
    }

    private function properties(int $order): array
    {
        return $this->rows->all(
            'b_sale_order_props_value',
            "t.ORDER_ID = $order",
            ', p.IS_PAYER, p.IS_PHONE, p.IS_EMAIL',
            'LEFT JOIN b_sale_order_props p ON p.ID = t.ORDER_PROPS_ID'
        );
    }

    private function user(int $id): ?array
    {
        return $this->rows->one('b_user', $id);
    }

    private function category(int $id): ?array
    {
        return $this->rows->one('b_iblock_section', $id);
    }

    /** @param int[] $ids; what is of no catalog is left out */
    private function products(array $ids): array
    {
        $elements = array_filter($this->rows->among('b_iblock_element', 'ID', $ids), function (array $row): bool {
            return $this->isOfCatalog((int)$row['IBLOCK_ID']);
        });
        $found = array_map('intval', array_column($elements, 'ID'));
        $catalog = array_column($this->rows->among('b_catalog_product', 'ID', $found), null, 'ID');
        $prices = $this->prices($found);
        $parents = $this->parents($elements);
        return array_values(array_map(static function (array $row) use ($catalog, $prices, $parents): array {
            return $row + [
                'catalog' => $catalog[$row['ID']] ?? null,
                'price' => $prices[$row['ID']] ?? null,
                'parent_id' => $parents[$row['ID']] ?? null,
            ];
        }, $elements));
    }

    /** Of each product the base price with the lowest ID that holds for any quantity. */
    private function prices(array $products): array
    {
        $rows = $this->rows->among(
            'b_catalog_price',
            'PRODUCT_ID',
            $products,
            "AND t.QUANTITY_FROM IS NULL AND t.QUANTITY_TO IS NULL"
            . " AND t.CATALOG_GROUP_ID IN (SELECT ID FROM b_catalog_group WHERE BASE = 'Y')"
        );
        $lowest = [];
        foreach ($rows as $row) {
            $known = $lowest[$row['PRODUCT_ID']] ?? null;
            if ($known === null || (int)$row['ID'] < (int)$known['ID']) {
                $lowest[$row['PRODUCT_ID']] = $row;
            }
        }
        return $lowest;
    }

    /** The product of each offer. */
    private function parents(array $elements): array
    {
        $ofIblock = [];
        foreach ($elements as $row) {
            $ofIblock[(int)$row['IBLOCK_ID']][] = (int)$row['ID'];
        }
        $parents = [];
        foreach ($ofIblock as $iblock => $ids) {
            $catalog = $this->catalogs()[$iblock];
            $link = (int)$catalog['SKU_PROPERTY_ID'];
            if ($link > 0) {
                $parents += $catalog['VERSION'] === '2' ? $this->columnLinks($iblock, $link, $ids) : $this->rowLinks($link, $ids);
            }
        }
        return $parents;
    }

    private function columnLinks(int $iblock, int $link, array $ids): array
    {
        $list = implode(',', $ids);
        $rows = $this->rows->select(
            "SELECT IBLOCK_ELEMENT_ID AS ID, PROPERTY_$link AS PARENT FROM b_iblock_element_prop_s$iblock WHERE IBLOCK_ELEMENT_ID IN ($list)"
        );
        return array_column($rows, 'PARENT', 'ID');
    }

    private function rowLinks(int $link, array $ids): array
    {
        $list = implode(',', $ids);
        // The lowest ID comes last and so stays.
        $rows = $this->rows->select(
            'SELECT IBLOCK_ELEMENT_ID AS ID, VALUE_NUM AS PARENT FROM b_iblock_element_property'
            . " WHERE IBLOCK_PROPERTY_ID = $link AND IBLOCK_ELEMENT_ID IN ($list) AND VALUE_NUM IS NOT NULL ORDER BY b_iblock_element_property.ID DESC"
        );
        return array_column($rows, 'PARENT', 'ID');
    }

    private function catalogs(): array
    {
        if ($this->catalogs === null) {
            $rows = $this->rows->select(
                'SELECT c.IBLOCK_ID, c.SKU_PROPERTY_ID, i.VERSION FROM b_catalog_iblock c LEFT JOIN b_iblock i ON i.ID = c.IBLOCK_ID'
            );
            $this->catalogs = array_column($rows, null, 'IBLOCK_ID');
        }
        return $this->catalogs;
    }

    private static function unlessGone(string $name, ?array $row): ?array
    {
        return $row === null ? null : [$name => $row];
    }
}
