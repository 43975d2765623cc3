-- Every order of the data set is paid when it is made.
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
