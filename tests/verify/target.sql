-- The contract's tables without keys, so that a test can spoil them, and the exact copy.
CREATE TABLE users (
    id bigint, bitrix_user_id bigint, login text, email text, first_name text, last_name text,
    middle_name text, phone text, is_active boolean, is_blocked boolean, external_auth_id text,
    is_anonymous boolean, site_id text, xml_id text, registered_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE categories (
    id bigint, bitrix_section_id bigint, parent_id bigint, iblock_id integer, name text, code text,
    xml_id text, is_active boolean, is_visible boolean, sort integer, depth integer,
    updated_at timestamptz
);
CREATE TABLE products (
    id bigint, bitrix_product_id bigint, iblock_id integer, category_id bigint, parent_id bigint,
    kind text, name text, code text, xml_id text, is_active boolean, is_available boolean,
    quantity numeric, reserved numeric, price numeric, currency text, weight numeric,
    updated_at timestamptz
);
CREATE TABLE orders (
    id bigint, bitrix_order_id bigint, number text, site_id text, user_id bigint, status text,
    bitrix_status text, is_paid boolean, paid_at timestamptz, is_canceled boolean,
    canceled_at timestamptz, cancel_reason text, is_shipped boolean, price numeric,
    delivery_price numeric, discount numeric, tax numeric, paid_sum numeric, currency text,
    contact_name text, contact_phone text, contact_email text, properties jsonb,
    customer_comment text, manager_comment text, xml_id text, version integer,
    created_at timestamptz, status_changed_at timestamptz, updated_at timestamptz,
    archived_at timestamptz
);
CREATE TABLE order_items (
    id bigint, bitrix_item_id bigint, order_id bigint, product_id bigint, parent_item_id bigint,
    name text, quantity numeric, price numeric, base_price numeric, discount numeric,
    vat_rate numeric, is_vat_included boolean, currency text, weight numeric, measure text,
    product_xml_id text, xml_id text, created_at timestamptz, updated_at timestamptz
);
CREATE TABLE order_statuses (
    id text, type text, name text, sort integer, color text, is_customer_notified boolean,
    crm_status text
);

SET TimeZone = 'UTC';
INSERT INTO users VALUES
    (1, 1, 'anna', 'anna@example.com', 'Анна', 'Сидорова', 'Петровна', '+7 900 2', true, false,
     'sale', false, 's1', 'u-1', '2024-01-10 09:00', '2024-03-01 09:00'),
    (2, 2, 'anonymous', 'anonymous@example.com', NULL, NULL, NULL, '+7 900 3', false, true,
     'saleanonymous', true, 's1', NULL, '2024-01-11 09:00', NULL);
INSERT INTO categories VALUES
    (5, 5, NULL, 10, 'Одежда', 'clothes', 'c-5', true, true, 100, 1, '2024-01-01 07:00'),
    (6, 6, 5, 10, 'Рубашки', 'shirts', 'c-6', true, false, 200, 2, '2024-01-02 07:00');
INSERT INTO products VALUES
    (20, 20, 10, 6, NULL, 'sku_parent', 'Рубашка', 'shirt', 'p-20', true, true, 0, 0, NULL, NULL,
     NULL, '2024-02-01 08:00'),
    (21, 21, 11, NULL, 20, 'offer', 'Рубашка, синяя', 'shirt-blue', 'p-21', true, false, 7.5, 1,
     1990.12345678, 'RUB', 250, '2024-02-02 09:00');
INSERT INTO orders VALUES
    (1000, 1000, 'A-1000', 's1', 1, 'paid', 'P', true, '2024-03-02 07:00', false, NULL, NULL, true,
     4280.5, 300, 10, 20.1, 4280.5, 'RUB', 'Анна Сидорова', '+7 900 4', 'a@example.com',
     '{"FIO": "Анна Сидорова", "2": "+7 900 4", "EMAIL": "a@example.com"}', 'Позвоните', 'VIP',
     'o-1000', 4, '2024-03-01 07:00', '2024-03-02 07:00:01', '2024-03-03 07:00', NULL),
    (1001, 1001, NULL, 's1', 2, 'canceled', 'N', false, NULL, true, '2024-03-05 07:00',
     'Передумал', false, 0, 0, 0, 0, 0, 'RUB', NULL, NULL, NULL, '{}', NULL, NULL, NULL, 1,
     '2024-03-04 07:00', '2024-03-04 07:00', '2024-03-05 07:00', NULL);
INSERT INTO order_items VALUES
    (1, 1, 1000, 21, NULL, 'Рубашка, синяя', 2, 1990, 2000, 10, 0.2, true, 'RUB', 250, 'шт', 'p-21',
     'l-1', '2024-03-01 07:00', '2024-03-03 07:00'),
    (2, 2, 1000, NULL, 1, 'Упаковка', 0.25, 0.5, NULL, 0, NULL, false, 'RUB', NULL, NULL, NULL,
     NULL, '2024-03-01 07:00', '2024-03-03 07:00');
INSERT INTO order_statuses VALUES
    ('N', 'order', 'Принят', 100, '#fff', true, 'new'),
    ('P', 'order', 'Paid', 150, NULL, false, 'paid'),
    ('DN', 'delivery', 'DN', 300, NULL, false, NULL);

ALTER TABLE users ADD source_hash bigint, ADD synced_at timestamptz DEFAULT now(),
    ADD deleted_at timestamptz, ADD is_placeholder boolean NOT NULL DEFAULT false;
ALTER TABLE categories ADD source_hash bigint, ADD synced_at timestamptz DEFAULT now(),
    ADD deleted_at timestamptz, ADD is_placeholder boolean NOT NULL DEFAULT false;
ALTER TABLE products ADD source_hash bigint, ADD synced_at timestamptz DEFAULT now(),
    ADD deleted_at timestamptz, ADD is_placeholder boolean NOT NULL DEFAULT false;
ALTER TABLE orders ADD source_hash bigint, ADD synced_at timestamptz DEFAULT now(),
    ADD deleted_at timestamptz, ADD is_placeholder boolean NOT NULL DEFAULT false;
ALTER TABLE order_items ADD source_hash bigint, ADD synced_at timestamptz DEFAULT now(),
    ADD deleted_at timestamptz, ADD is_placeholder boolean NOT NULL DEFAULT false;
ALTER TABLE order_statuses ADD source_hash bigint, ADD synced_at timestamptz DEFAULT now(),
    ADD deleted_at timestamptz, ADD is_placeholder boolean NOT NULL DEFAULT false;
