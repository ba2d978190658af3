<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\Event;

/**
 * Runs inside the buyer's request: notes the news in the outbox and does nothing else.
 * One INSERT, which waits for nobody and locks nothing of anybody else's: see Outbox.
 * Whatever goes wrong here stays here, and nothing is returned: a result could stop a checkout.
 * Arguments have no types: PHP would complain of a wrong one before the handler could catch it.
 */
class Handlers
{
    /** @var int[] product by price, of prices that are about to be deleted */
    private static $productsOfPrices = [];

    public static function orderSaved($event = null): void
    {
        self::quietly(static function () use ($event): void {
            // A save that changed nothing; REST makes them when a status is set anew.
            $unchanged = $event->getParameter('IS_CHANGED') === false && !$event->getParameter('IS_NEW');
            if (!$unchanged) {
                self::note('order.saved', self::orderOf($event));
            }
        });
    }

    public static function orderDeleted($event = null): void
    {
        self::quietly(static function () use ($event): void {
            if ($event->getParameter('VALUE') !== false) {
                self::note('order.deleted', self::orderOf($event));
            }
        });
    }

    public static function orderArchived($event = null): void
    {
        self::quietly(static function () use ($event): void {
            self::note('order.archived', self::orderOf($event));
        });
    }

    public static function userSaved($fields = null): void
    {
        self::quietly(static function () use ($fields): void {
            self::noteSaved('user.saved', $fields);
        });
    }

    public static function userDeleted($id = null): void
    {
        self::quietly(static function () use ($id): void {
            self::note('user.deleted', $id);
        });
    }

    public static function elementSaved($fields = null): void
    {
        self::quietly(static function () use ($fields): void {
            self::noteSaved('product.saved', $fields);
        });
    }

    public static function elementDeleted($row = null): void
    {
        self::quietly(static function () use ($row): void {
            // A workflow's old version went, not the product.
            if (empty($row['WF_PARENT_ELEMENT_ID']) || $row['WF_PARENT_ELEMENT_ID'] == $row['ID']) {
                self::note('product.deleted', $row['ID'] ?? 0, $row['IBLOCK_ID'] ?? null);
            }
        });
    }

    public static function propertiesSaved($elementId = null, $iblockId = null): void
    {
        self::quietly(static function () use ($elementId, $iblockId): void {
            self::note('product.saved', $elementId, $iblockId);
        });
    }

    public static function sectionSaved($fields = null): void
    {
        self::quietly(static function () use ($fields): void {
            self::noteSaved('category.saved', $fields);
        });
    }

    public static function sectionDeleted($row = null): void
    {
        self::quietly(static function () use ($row): void {
            self::note('category.deleted', $row['ID'] ?? 0, $row['IBLOCK_ID'] ?? null);
        });
    }

    public static function catalogProductSaved($event = null): void
    {
        self::quietly(static function () use ($event): void {
            if ($event->getParameter('success') !== false) {
                self::note('product.saved', self::idOf($event));
            }
        });
    }

    public static function priceSaved($event = null): void
    {
        self::quietly(static function () use ($event): void {
            $fields = $event->getParameter('fields');
            $product = is_array($fields) ? (int)($fields['PRODUCT_ID'] ?? 0) : 0;
            // An update of a price does not always say of which product.
            self::note('product.saved', $product ?: self::productOf(self::idOf($event)));
        });
    }

    public static function priceGoes($event = null): void
    {
        self::quietly(static function () use ($event): void {
            $price = self::idOf($event);
            self::$productsOfPrices[$price] = self::productOf($price);
        });
    }

    public static function priceDeleted($event = null): void
    {
        self::quietly(static function () use ($event): void {
            $price = self::idOf($event);
            self::note('product.saved', self::$productsOfPrices[$price] ?? 0);
            unset(self::$productsOfPrices[$price]);
        });
    }

    /** All prices of a product at once: Bitrix tells of none of them. */
    public static function pricesDeleted($productId = null): void
    {
        self::quietly(static function () use ($productId): void {
            self::note('product.saved', $productId);
        });
    }

    private static function quietly(callable $note): void
    {
        try {
            if (Settings::isEnabled()) {
                $note();
            }
        } catch (\Throwable $fault) {
            Journal::error('a handler failed', ['fault' => Journal::name($fault)]);
        }
    }

    /** These events come after a failure too, and then without an ID. */
    private static function noteSaved(string $type, $fields): void
    {
        if (is_array($fields) && ($fields['RESULT'] ?? true) !== false) {
            self::note($type, $fields['ID'] ?? 0, $fields['IBLOCK_ID'] ?? null);
        }
    }

    private static function note(string $type, $id, $iblockId = null): void
    {
        if (is_numeric($id) && (int)$id > 0) {
            Outbox::here()->add($type, (int)$id, Origin::current(), (int)$iblockId ?: null);
            FastPath::schedule();
        }
    }

    /** Looked up first, without a lock: INSERT ... SELECT would take some on the shop's own rows. */
    private static function productOf(int $price): int
    {
        return (int)Application::getConnection()->queryScalar("SELECT PRODUCT_ID FROM b_catalog_price WHERE ID = $price");
    }

    private static function orderOf(Event $event): int
    {
        $order = $event->getParameter('ENTITY');
        return is_object($order) ? (int)$order->getId() : 0;
    }

    private static function idOf(Event $event): int
    {
        $id = $event->getParameter('id');
        return (int)(is_array($id) ? reset($id) : $id);
    }
}
