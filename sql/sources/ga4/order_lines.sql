-- One line for each item of a purchase. A refund names its items, but not their lines: so the number of a line is a
-- hash of the item, which refunds.sql computes in the same way; for the second line of one item it is a hash of the
-- item and "2".
WITH purchases AS (
    SELECT
        TRY(FROM_JSON(REPLACE(ecommerce, '"(not set)"', 'null'), '{"transaction_id": "VARCHAR"}')) AS ecommerce,
        TRY(FROM_JSON(
            event_params,
            '[{"key": "VARCHAR", "value": {"string_value": "VARCHAR", "int_value": "VARCHAR"}}]'
        )) AS params,
        TRY(FROM_JSON(
            REPLACE(items, '"(not set)"', 'null'),
            '[{"item_id": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR"}]'
        )) AS items,
        batch_id,
        record_no
    FROM events
    WHERE event_name = 'purchase'
),

lines AS (
    SELECT
        COALESCE(
            NULLIF(ecommerce.transaction_id, ''),
            LIST_FILTER(params, lambda param: param.key = 'transaction_id')[1].value.string_value,
            LIST_FILTER(params, lambda param: param.key = 'transaction_id')[1].value.int_value
        ) AS order_id,
        UNNEST(LIST_TRANSFORM(
            items,
            lambda item, item_no: {
                'sku': item.item_id,
                'repeat_no': LEN(LIST_FILTER(
                    items,
                    lambda other, other_no: other_no <= item_no AND other.item_id = item.item_id
                )),
                'quantity': item.quantity,
                'price': item.price
            }
        )) AS item,
        batch_id,
        record_no
    FROM purchases
)

SELECT
    order_id,
    CAST(
        MD5_NUMBER_LOWER(item.sku || CASE WHEN item.repeat_no > 1 THEN '|' || item.repeat_no ELSE '' END) % 2000000000
        AS INTEGER
    ) AS line_no,
    item.sku AS sku,
    -- GA4 counts an item without a quantity as one unit.
    COALESCE(item.quantity, '1') AS quantity,
    item.price AS unit_price,
    batch_id,
    record_no
FROM lines
