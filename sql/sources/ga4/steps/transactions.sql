-- Purchases and refunds with their items. A refund names its items, but not the lines of the order: so the number of a line is
-- a hash of the item; for the second line of one item it is a hash of the item and "2".
WITH taken_apart AS (
    SELECT
        event_name,
        user_id,
        user_pseudo_id,
        event_timestamp,
        CASE
            WHEN REGEXP_FULL_MATCH(event_timestamp, '[0-9]{16}')
                THEN CAST(MAKE_TIMESTAMP(CAST(event_timestamp AS BIGINT)) AS VARCHAR) || 'Z'
            ELSE event_timestamp
        END AS happened_at,
        TRY(FROM_JSON(
            REPLACE(ecommerce, '"(not set)"', 'null'),
            '{"transaction_id": "VARCHAR", "refund_value": "VARCHAR"}'
        )) AS ecommerce,
        TRY(FROM_JSON(
            event_params,
            '[{"key": "VARCHAR", "value": {"string_value": "VARCHAR", "int_value": "VARCHAR", "double_value": "VARCHAR",
            "float_value": "VARCHAR"}}]'
        )) AS params,
        TRY(FROM_JSON(
            REPLACE(items, '"(not set)"', 'null'),
            '[{"item_id": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR", "item_refund": "VARCHAR"}]'
        )) AS items,
        batch_id,
        record_no
    FROM events
    WHERE event_name IN ('purchase', 'refund')
),

named AS (
    SELECT
        taken_apart.*,
        LIST_FILTER(params, lambda param: param.key = 'transaction_id')[1].value AS id_param,
        LIST_TRANSFORM(
            items,
            lambda item, item_no: LEN(LIST_FILTER(
                items,
                lambda other, other_no: other_no <= item_no AND other.item_id = item.item_id
            ))
        ) AS repeat_nos
    FROM taken_apart
)

SELECT
    named.* EXCLUDE (items, repeat_nos, id_param),
    COALESCE(NULLIF(ecommerce.transaction_id, ''), id_param.string_value, id_param.int_value) AS order_id,
    LIST_TRANSFORM(
        items,
        lambda item, item_no: {
            'line_no': CAST(
                MD5_NUMBER_LOWER(
                    item.item_id || CASE WHEN repeat_nos[item_no] > 1 THEN '|' || repeat_nos[item_no] ELSE '' END
                ) % 2000000000 AS INTEGER
            ),
            'sku': item.item_id,
            -- GA4 counts an item without a quantity as one unit.
            'quantity': COALESCE(item.quantity, '1'),
            'price': item.price,
            'refund': item.item_refund
        }
    ) AS items
FROM named
