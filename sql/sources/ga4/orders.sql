-- One paid order for each purchase event. A guest's order belongs to the device, as events.sql says. If a shopper opens
-- the thank-you page again, GA4 logs the purchase again: the check of version ties then lists the order, whose time is
-- one of the two.
WITH purchases AS (
    SELECT
        NULLIF(user_id, '') AS user_id,
        NULLIF(user_pseudo_id, '') AS user_pseudo_id,
        CASE
            WHEN REGEXP_FULL_MATCH(event_timestamp, '[0-9]{16}')
                THEN CAST(MAKE_TIMESTAMP(CAST(event_timestamp AS BIGINT)) AS VARCHAR) || 'Z'
            ELSE event_timestamp
        END AS purchased_at,
        TRY(FROM_JSON(REPLACE(ecommerce, '"(not set)"', 'null'), '{"transaction_id": "VARCHAR"}')) AS ecommerce,
        TRY(FROM_JSON(
            event_params,
            '[{"key": "VARCHAR", "value": {"string_value": "VARCHAR", "int_value": "VARCHAR"}}]'
        )) AS params,
        batch_id,
        record_no
    FROM events
    WHERE event_name = 'purchase'
)

SELECT
    COALESCE(
        NULLIF(ecommerce.transaction_id, ''),
        LIST_FILTER(params, lambda param: param.key = 'transaction_id')[1].value.string_value,
        LIST_FILTER(params, lambda param: param.key = 'transaction_id')[1].value.int_value
    ) AS order_id,
    COALESCE(user_id, 'device:' || user_pseudo_id) AS user_id,
    'paid' AS status,
    purchased_at AS ordered_at,
    purchased_at AS paid_at,
    LIST_FILTER(params, lambda param: param.key = 'currency')[1].value.string_value AS currency,
    batch_id,
    record_no
FROM purchases
