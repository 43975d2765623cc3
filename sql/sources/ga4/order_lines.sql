-- One line for each item of a purchase.
WITH lines AS (
    SELECT
        order_id,
        UNNEST(items) AS item,
        batch_id,
        record_no
    FROM transactions
    WHERE event_name = 'purchase'
)

SELECT
    order_id,
    item.line_no AS line_no,
    item.sku AS sku,
    item.quantity AS quantity,
    item.price AS unit_price,
    batch_id,
    record_no
FROM lines
