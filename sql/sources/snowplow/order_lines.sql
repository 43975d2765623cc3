-- One line for each product of a transaction, or for each of the older events "transaction_item".
WITH lines AS (
    SELECT
        CASE WHEN event = 'transaction_item' THEN ti_orderid ELSE bought ->> 'transaction_id' END AS order_id,
        UNNEST(items) AS item,
        batch_id,
        record_no
    FROM transactions
    WHERE
        event = 'transaction_item'
        OR action = 'transaction'
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
