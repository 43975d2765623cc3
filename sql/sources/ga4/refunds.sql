-- One refund for each item of a refund event; it refunds the order line with the same number. A refund event without items
-- refunds the whole order: it names no line, so it has line number 0 and is listed in core.order_mismatches.
WITH parts AS (
    SELECT
        transactions.* EXCLUDE (items),
        LIST_FILTER(params, lambda param: param.key = 'value')[1].value AS value_param,
        UNNEST(CASE WHEN LEN(items) > 0 THEN items ELSE [NULL] END) AS item
    FROM transactions
    WHERE event_name = 'refund'
)

SELECT
    MD5(CONCAT_WS('|', user_pseudo_id, event_timestamp)) AS refund_id,
    order_id,
    CASE WHEN item IS NULL THEN 0 ELSE item.line_no END AS line_no,
    happened_at AS refunded_at,
    CASE
        WHEN item IS NULL THEN COALESCE(
            ecommerce.refund_value, value_param.double_value, value_param.float_value, value_param.int_value
        )
        WHEN item.refund IS NOT NULL THEN item.refund
        ELSE CAST(TRY_CAST(item.price AS DOUBLE) * TRY_CAST(item.quantity AS BIGINT) AS VARCHAR)
    END AS amount,
    batch_id,
    record_no
FROM parts
