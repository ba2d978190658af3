<?php
namespace Bitrixpipeline\Outbox;

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
    }

    public static function unregister(): void
    {
        self::each('unRegisterEventHandler', 'unRegisterEventHandler');
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
