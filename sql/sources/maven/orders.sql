-- In this data set every order is paid at the moment of ordering.
SELECT
    order_id,
    user_id,
    'paid' AS status,
    created_at || 'Z' AS ordered_at,
    created_at || 'Z' AS paid_at,
    'USD' AS currency,
    batch_id,
    record_no
FROM orders
