-- One line for each order item. An item is one unit and has its own cost of goods.
SELECT
    order_id,
    order_item_id AS line_no,
    product_id AS sku,
    1 AS quantity,
    price_usd AS unit_price,
    cogs_usd AS unit_cost,
    batch_id,
    record_no
FROM order_items
