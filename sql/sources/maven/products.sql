-- Products; their cost stands on the order items.
SELECT
    product_id AS sku,
    product_name AS name,
    created_at AS launched_on,
    batch_id,
    record_no
FROM products
