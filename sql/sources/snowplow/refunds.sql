-- One refund for each product of a refund action; it refunds the order line with the same number. The amount is stated for
-- the whole refund, so if there are several products, each gets its price times its quantity. A refund without products
-- refunds the whole order: it names no line, so it has line number 0 and is listed in core.order_mismatches.
WITH parts AS (
    SELECT
        event_id,
        derived_at,
        refunded,
        LEN(items) AS product_count,
        UNNEST(CASE WHEN LEN(items) > 0 THEN items ELSE [NULL] END) AS item,
        batch_id,
        record_no
    FROM transactions
    WHERE action = 'refund'
)

SELECT
    event_id AS refund_id,
    refunded ->> 'transaction_id' AS order_id,
    CASE WHEN item IS NULL THEN 0 ELSE item.line_no END AS line_no,
    derived_at AS refunded_at,
    CASE
        WHEN product_count > 1
            THEN CAST(TRY_CAST(item.price AS DOUBLE) * TRY_CAST(item.quantity AS BIGINT) AS VARCHAR)
        ELSE refunded ->> 'refund_amount'
    END AS amount,
    batch_id,
    record_no
FROM parts
