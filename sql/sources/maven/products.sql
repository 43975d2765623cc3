-- Products without cost, because each order item has its own.
SELECT
    product_id AS sku,
    product_name AS name,
    created_at AS launched_on,
    batch_id,
    record_no
FROM products
