<?php
namespace Bitrixpipeline\Outbox;

use Bitrix\Main\Application;
use Bitrix\Main\EventManager;

/** Which of Bitrix's events are listened to. */
class Events
{
    /** The handler gets one \Bitrix\Main\Event. */
    public const PLAIN = [
        ['sale', 'OnSaleOrderSaved', 'orderSaved'],
        ['sale', 'OnSaleOrderDeleted', 'orderDeleted'],
        ['sale', 'OnSaleOrderBeforeArchived', 'orderArchived'],
        ['catalog', 'Bitrix\Catalog\Model\Product::OnAfterAdd', 'catalogProductSaved'],
        ['catalog', 'Bitrix\Catalog\Model\Product::OnAfterUpdate', 'catalogProductSaved'],
        ['catalog', 'Bitrix\Catalog\Model\Price::OnAfterAdd', 'priceSaved'],
        ['catalog', 'Bitrix\Catalog\Model\Price::OnAfterUpdate', 'priceSaved'],
        ['catalog', 'Bitrix\Catalog\Model\Price::OnBeforeDelete', 'priceGoes'],
        ['catalog', 'Bitrix\Catalog\Model\Price::OnAfterDelete', 'priceDeleted'],
    ];

    /** The handler gets the arguments one by one. */
    public const COMPATIBLE = [
        ['main', 'OnAfterUserAdd', 'userSaved'],
        ['main', 'OnAfterUserUpdate', 'userSaved'],
        ['main', 'OnAfterUserDelete', 'userDeleted'],
        ['catalog', 'OnProductPriceDelete', 'pricesDeleted'],
        ['iblock', 'OnAfterIBlockElementAdd', 'elementSaved'],
        ['iblock', 'OnAfterIBlockElementUpdate', 'elementSaved'],
        ['iblock', 'OnAfterIBlockElementDelete', 'elementDeleted'],
        ['iblock', 'OnAfterIBlockElementSetPropertyValues', 'propertiesSaved'],
        ['iblock', 'OnAfterIBlockElementSetPropertyValuesEx', 'propertiesSaved'],
        ['iblock', 'OnAfterIBlockSectionAdd', 'sectionSaved'],
        ['iblock', 'OnAfterIBlockSectionUpdate', 'sectionSaved'],
        ['iblock', 'OnAfterIBlockSectionDelete', 'sectionDeleted'],
        ['rest', 'OnRestServiceBuildDescription', 'describeRest', RestMethods::class],
    ];

    public static function register(): void
    {
        self::each('registerEventHandler', 'registerEventHandlerCompatible');
        self::unregisterOthers();
    }

    public static function unregister(): void
    {
        self::each('unRegisterEventHandler', 'unRegisterEventHandler');
    }

    /** What another version has registered: Bitrix would call a method that is not there, in a buyer's request. */
    private static function unregisterOthers(): void
    {
        $ours = [];
        foreach (array_merge(self::PLAIN, self::COMPATIBLE) as $handler) {
            $ours[] = [$handler[0], $handler[1], $handler[3] ?? Handlers::class, $handler[2]];
        }
        $found = Application::getConnection()->query(
            "SELECT FROM_MODULE_ID, MESSAGE_ID, TO_CLASS, TO_METHOD FROM b_module_to_module WHERE TO_MODULE_ID = '" . Settings::MODULE . "'"
        );
        while ($row = $found->fetch()) {
            [$module, $event, $class, $method] = array_map('strval', array_values($row));
            if (!in_array([$module, $event, $class, $method], $ours, true)) {
                EventManager::getInstance()->unRegisterEventHandler($module, $event, Settings::MODULE, $class, $method);
            }
        }
    }

    private static function each(string $plain, string $compatible): void
    {
        $manager = EventManager::getInstance();
        foreach ([[self::PLAIN, $plain], [self::COMPATIBLE, $compatible]] as [$handlers, $call]) {
            foreach ($handlers as $handler) {
                [$module, $event, $method] = $handler;
                $manager->$call($module, $event, Settings::MODULE, $handler[3] ?? Handlers::class, $method);
            }
        }
    }
}
