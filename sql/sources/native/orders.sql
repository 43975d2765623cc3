-- Native orders, one row for each record; the newest version of an order counts.
SELECT
  order_id,
  user_id,
  status,
  ordered_at,
  paid_at,
  currency,
  updated_at,
  batch_id,
  record_no
FROM orders
