-- Products; their cost stands on the order items.
SELECT
    product_id AS sku,
    product_name AS name,
    CAST(LEFT(created_at, 10) AS DATE) AS launched_on,
    batch_id,
    record_no
FROM products
