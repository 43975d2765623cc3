-- One refund for each item of a refund event, of the order line that order_lines.sql numbers in the same way. A refund
-- without items is of the whole order; it names no line, so it has line number 0 and is listed in
-- core.order_mismatches.
WITH refunds AS (
    SELECT
        user_pseudo_id,
        event_timestamp,
        CASE
            WHEN REGEXP_FULL_MATCH(event_timestamp, '[0-9]{16}')
                THEN CAST(MAKE_TIMESTAMP(CAST(event_timestamp AS BIGINT)) AS VARCHAR) || 'Z'
            ELSE event_timestamp
        END AS refunded_at,
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
    WHERE event_name = 'refund'
),

parts AS (
    SELECT
        refunds.* EXCLUDE (items),
        LIST_FILTER(params, lambda param: param.key = 'transaction_id')[1].value AS id_param,
        LIST_FILTER(params, lambda param: param.key = 'value')[1].value AS value_param,
        UNNEST(
            CASE WHEN LEN(items) > 0
                THEN LIST_TRANSFORM(
                    items,
                    lambda item, item_no: {
                        'item': item,
                        'repeat_no': LEN(LIST_FILTER(
                            items,
                            lambda other, other_no: other_no <= item_no AND other.item_id = item.item_id
                        ))
                    }
                )
                ELSE [NULL]
            END
        ) AS part
    FROM refunds
)

SELECT
    MD5(CONCAT_WS('|', user_pseudo_id, event_timestamp)) AS refund_id,
    COALESCE(NULLIF(ecommerce.transaction_id, ''), id_param.string_value, id_param.int_value) AS order_id,
    CASE
        WHEN part IS NULL THEN 0
        ELSE CAST(MD5_NUMBER_LOWER(
            part.item.item_id || CASE WHEN part.repeat_no > 1 THEN '|' || part.repeat_no ELSE '' END
        ) % 2000000000 AS INTEGER)
    END AS line_no,
    refunded_at,
    CASE
        WHEN part IS NULL THEN COALESCE(
            ecommerce.refund_value, value_param.double_value, value_param.float_value, value_param.int_value
        )
        WHEN part.item.item_refund IS NOT NULL THEN part.item.item_refund
        ELSE CAST(
            TRY_CAST(part.item.price AS DOUBLE) * TRY_CAST(COALESCE(part.item.quantity, '1') AS BIGINT) AS VARCHAR
        )
    END AS amount,
    batch_id,
    record_no
FROM parts
