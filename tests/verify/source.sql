-- The columns that are read, as a new shop has them, and one shop in miniature.
CREATE TABLE b_user (
    ID int PRIMARY KEY, TIMESTAMP_X timestamp NULL, LOGIN varchar(50) NOT NULL, ACTIVE char(1),
    NAME varchar(50), LAST_NAME varchar(50), SECOND_NAME varchar(50), EMAIL varchar(255),
    DATE_REGISTER datetime NOT NULL, LID char(2), PERSONAL_PHONE varchar(255),
    PERSONAL_MOBILE varchar(255), XML_ID varchar(255), EXTERNAL_AUTH_ID varchar(255),
    BLOCKED char(1), PASSWORD varchar(255)
);
CREATE TABLE b_catalog_iblock (
    IBLOCK_ID int PRIMARY KEY, PRODUCT_IBLOCK_ID int NOT NULL, SKU_PROPERTY_ID int NOT NULL
);
CREATE TABLE b_iblock (ID int PRIMARY KEY, VERSION int NOT NULL);
CREATE TABLE b_iblock_section (
    ID int PRIMARY KEY, IBLOCK_ID int NOT NULL, IBLOCK_SECTION_ID int, NAME varchar(255),
    CODE varchar(255), XML_ID varchar(255), ACTIVE char(1), GLOBAL_ACTIVE char(1), SORT int,
    DEPTH_LEVEL int, TIMESTAMP_X datetime
);
CREATE TABLE b_iblock_element (
    ID int PRIMARY KEY, IBLOCK_ID int NOT NULL, IBLOCK_SECTION_ID int, NAME varchar(255),
    CODE varchar(255), XML_ID varchar(255), ACTIVE char(1), WF_STATUS_ID int,
    WF_PARENT_ELEMENT_ID int, TIMESTAMP_X datetime
);
CREATE TABLE b_iblock_element_property (
    ID bigint PRIMARY KEY, IBLOCK_PROPERTY_ID int, IBLOCK_ELEMENT_ID int, VALUE text,
    VALUE_NUM decimal(18,4), KEY (IBLOCK_ELEMENT_ID)
);
CREATE TABLE b_catalog_product (
    ID int PRIMARY KEY, QUANTITY double NOT NULL, QUANTITY_RESERVED double, WEIGHT double,
    TYPE int, AVAILABLE char(1), TIMESTAMP_X datetime
);
CREATE TABLE b_catalog_group (ID int PRIMARY KEY, BASE char(1) NOT NULL);
CREATE TABLE b_catalog_price (
    ID int PRIMARY KEY, PRODUCT_ID int, CATALOG_GROUP_ID int, PRICE decimal(26,8), CURRENCY char(3),
    QUANTITY_FROM int, QUANTITY_TO int, TIMESTAMP_X datetime, KEY (PRODUCT_ID)
);
CREATE TABLE b_sale_order (
    ID int PRIMARY KEY, LID char(2), PAYED char(1), DATE_PAYED datetime, CANCELED char(1),
    DATE_CANCELED datetime, REASON_CANCELED varchar(255), STATUS_ID varchar(2) NOT NULL,
    DATE_STATUS datetime, PRICE_DELIVERY decimal(18,4), DEDUCTED char(1), PRICE decimal(18,4),
    CURRENCY char(3), DISCOUNT_VALUE decimal(18,4), USER_ID int NOT NULL,
    DATE_INSERT datetime NOT NULL, DATE_UPDATE datetime NOT NULL, USER_DESCRIPTION varchar(2000),
    COMMENTS text, TAX_VALUE decimal(18,2), SUM_PAID decimal(18,2), ACCOUNT_NUMBER varchar(100),
    XML_ID varchar(255), VERSION int
);
CREATE TABLE b_sale_order_props (
    ID int PRIMARY KEY, IS_EMAIL char(1), IS_PAYER char(1), IS_PHONE char(1)
);
CREATE TABLE b_sale_order_props_value (
    ID int PRIMARY KEY, ORDER_ID int, ORDER_PROPS_ID int, VALUE varchar(500), CODE varchar(50),
    ENTITY_TYPE varchar(255), KEY (ORDER_ID)
);
CREATE TABLE b_sale_order_archive (
    ID int PRIMARY KEY, ORDER_ID int NOT NULL, DATE_ARCHIVED datetime NOT NULL
);
CREATE TABLE b_sale_basket (
    ID int PRIMARY KEY, ORDER_ID int, PRODUCT_ID int NOT NULL, PRICE decimal(18,4),
    CURRENCY char(3), BASE_PRICE decimal(18,4), VAT_INCLUDED char(1), DATE_INSERT datetime,
    DATE_UPDATE datetime, WEIGHT double(18,2), QUANTITY double(18,4), NAME varchar(255),
    DISCOUNT_PRICE decimal(18,4), PRODUCT_XML_ID varchar(100), VAT_RATE decimal(18,4),
    SET_PARENT_ID int, MEASURE_NAME varchar(50), XML_ID varchar(255), KEY (PRODUCT_ID)
);
CREATE TABLE b_sale_status (
    ID varchar(2) PRIMARY KEY, TYPE char(1), SORT int, NOTIFY char(1), COLOR varchar(10)
);
CREATE TABLE b_sale_status_lang (
    STATUS_ID varchar(2), LID char(2), NAME varchar(100), PRIMARY KEY (STATUS_ID, LID)
);

SET time_zone = '+00:00';
INSERT INTO b_user VALUES
    (1, '2024-03-01 09:00:00', 'anna', 'Y', 'Анна', 'Сидорова', 'Петровна', 'anna@example.com',
     '2024-01-10 12:00:00', 's1', '+7 900 1', '+7 900 2', 'u-1', 'sale', 'N', 'secret'),
    (2, NULL, 'anonymous', 'N', '', NULL, NULL, 'anonymous@example.com',
     '2024-01-11 12:00:00', 's1', '+7 900 3', '', NULL, 'saleanonymous', 'Y', 'secret');
INSERT INTO b_catalog_iblock VALUES (10, 0, 0), (11, 10, 100);
INSERT INTO b_iblock VALUES (9, 1), (10, 1), (11, 1);
INSERT INTO b_iblock_section VALUES
    (5, 10, NULL, 'Одежда', 'clothes', 'c-5', 'Y', 'Y', 100, 1, '2024-01-01 10:00:00'),
    (6, 10, 5, 'Рубашки', 'shirts', 'c-6', 'Y', 'N', 200, 2, '2024-01-02 10:00:00'),
    (7, 9, NULL, 'Новости', 'news', NULL, 'Y', 'Y', 100, 1, '2024-01-03 10:00:00');
INSERT INTO b_iblock_element VALUES
    (20, 10, 6, 'Рубашка', 'shirt', 'p-20', 'Y', 1, NULL, '2024-02-01 10:00:00'),
    (21, 11, NULL, 'Рубашка, синяя', 'shirt-blue', 'p-21', 'Y', NULL, NULL, '2024-02-02 10:00:00'),
    (22, 10, 6, 'Рубашка, черновик', 'shirt', 'p-20', 'Y', 2, 20, '2024-02-03 10:00:00'),
    (23, 9, 7, 'Новость', 'news', NULL, 'Y', 1, NULL, '2024-02-04 10:00:00');
INSERT INTO b_iblock_element_property VALUES (1, 99, 21, '77', 77), (2, 100, 21, '20', 20);
INSERT INTO b_catalog_product VALUES
    (20, 0, 0, NULL, 3, 'Y', '2024-02-01 11:00:00'), (21, 7.5, 1, 250, 4, 'N', '2024-02-02 12:00:00');
INSERT INTO b_catalog_group VALUES (1, 'Y'), (2, 'N');
INSERT INTO b_catalog_price VALUES
    (1, 21, 2, 1, 'USD', NULL, NULL, '2024-02-02 23:00:00'),
    (2, 21, 1, 2, 'RUB', 1, 9, '2024-02-02 23:00:00'),
    (3, 21, 1, 1990.12345678, 'RUB', NULL, NULL, '2024-02-02 11:00:00'),
    (4, 21, 1, 3, 'RUB', NULL, NULL, '2024-02-02 23:00:00');
INSERT INTO b_sale_order VALUES
    (1000, 's1', 'Y', '2024-03-02 10:00:00', 'N', NULL, '', 'P', '2024-03-02 10:00:01', 300, 'Y',
     4280.5, 'RUB', 10, 1, '2024-03-01 10:00:00', '2024-03-03 10:00:00', 'Позвоните', 'VIP', 20.10,
     4280.50, 'A-1000', 'o-1000', 4),
    (1001, 's1', 'N', NULL, 'Y', '2024-03-05 10:00:00', 'Передумал', 'N', '2024-03-04 10:00:00', 0,
     'N', 0, 'RUB', 0, 2, '2024-03-04 10:00:00', '2024-03-05 10:00:00', NULL, NULL, 0, 0, NULL,
     NULL, 1);
INSERT INTO b_sale_order_props VALUES (1, 'N', 'Y', 'N'), (2, 'N', 'N', 'Y'), (3, 'Y', 'N', 'N');
INSERT INTO b_sale_order_props_value VALUES
    (1, 1000, 1, 'Анна Сидорова', 'FIO', 'ORDER'), (2, 1000, 2, '+7 900 4', NULL, 'ORDER'),
    (3, 1000, 3, 'a@example.com', 'EMAIL', 'ORDER'), (4, 1000, 4, 'склад', 'STORE', 'SHIPMENT');
INSERT INTO b_sale_basket VALUES
    (1, 1000, 21, 1990, 'RUB', 2000, 'Y', '2024-03-01 10:00:00', '2024-03-03 10:00:00', 250, 2,
     'Рубашка, синяя', 10, 'p-21', 0.2, 1, 'шт', 'l-1'),
    (2, 1000, 0, 0.5, 'RUB', NULL, 'N', '2024-03-01 10:00:00', '2024-03-03 10:00:00', NULL, 0.25,
     'Упаковка', 0, '', NULL, 1, NULL, NULL),
    (3, NULL, 21, 1990, 'RUB', 2000, 'Y', '2024-03-01 10:00:00', '2024-03-03 10:00:00', 250, 2,
     'Корзина', 10, 'p-21', 0.2, NULL, 'шт', 'l-3');
INSERT INTO b_sale_status VALUES
    ('N', 'O', 100, 'Y', '#fff'), ('P', 'O', 150, 'N', NULL), ('DN', 'D', 300, 'N', '');
INSERT INTO b_sale_status_lang VALUES
    ('N', 'en', 'New'), ('N', 'ru', 'Принят'), ('P', 'en', 'Paid'), ('P', 'ru', '');
