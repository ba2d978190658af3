<?php
namespace Bitrixpipeline\Outbox;

/**
 * What an event carries of each table: what the pipeline makes its rows of, and what rows are found by.
 *
 * A list of what may go, not of what may not: a credential that Bitrix adds later stays here, and so do
 * descriptions, of which a few dozen would fill an event.
 */
class Columns
{
    /** The primary key comes first. */
    public const OF = [
        'b_user' => [
            'ID', 'LOGIN', 'EMAIL', 'NAME', 'LAST_NAME', 'SECOND_NAME', 'PERSONAL_MOBILE', 'PERSONAL_PHONE', 'ACTIVE',
            'BLOCKED', 'EXTERNAL_AUTH_ID', 'LID', 'XML_ID', 'DATE_REGISTER', 'TIMESTAMP_X',
        ],
        'b_iblock_section' => [
            'ID', 'IBLOCK_ID', 'IBLOCK_SECTION_ID', 'NAME', 'CODE', 'XML_ID', 'ACTIVE', 'GLOBAL_ACTIVE', 'SORT',
            'DEPTH_LEVEL', 'TIMESTAMP_X',
        ],
        'b_iblock_element' => [
            'ID', 'IBLOCK_ID', 'IBLOCK_SECTION_ID', 'NAME', 'CODE', 'XML_ID', 'ACTIVE', 'WF_STATUS_ID',
            'WF_PARENT_ELEMENT_ID', 'TIMESTAMP_X',
        ],
        'b_catalog_product' => ['ID', 'TYPE', 'AVAILABLE', 'QUANTITY', 'QUANTITY_RESERVED', 'WEIGHT', 'TIMESTAMP_X'],
        'b_catalog_price' => ['ID', 'PRODUCT_ID', 'PRICE', 'CURRENCY', 'TIMESTAMP_X'],
        'b_sale_order' => [
            'ID', 'ACCOUNT_NUMBER', 'LID', 'USER_ID', 'STATUS_ID', 'DATE_STATUS', 'PAYED', 'DATE_PAYED', 'CANCELED',
            'DATE_CANCELED', 'REASON_CANCELED', 'DEDUCTED', 'PRICE', 'PRICE_DELIVERY', 'DISCOUNT_VALUE', 'TAX_VALUE',
            'SUM_PAID', 'CURRENCY', 'USER_DESCRIPTION', 'COMMENTS', 'XML_ID', 'VERSION', 'DATE_INSERT', 'DATE_UPDATE',
        ],
        'b_sale_basket' => [
            'ID', 'ORDER_ID', 'PRODUCT_ID', 'SET_PARENT_ID', 'NAME', 'QUANTITY', 'PRICE', 'BASE_PRICE', 'DISCOUNT_PRICE',
            'VAT_RATE', 'VAT_INCLUDED', 'CURRENCY', 'WEIGHT', 'MEASURE_NAME', 'PRODUCT_XML_ID', 'XML_ID', 'DATE_INSERT',
            'DATE_UPDATE',
        ],
        'b_sale_order_props_value' => ['ID', 'ORDER_PROPS_ID', 'CODE', 'VALUE', 'ENTITY_TYPE'],
    ];
}
