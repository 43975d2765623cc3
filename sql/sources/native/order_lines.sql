-- Native order lines, one row for each record; the newest version of a line counts.
SELECT
  order_id,
  line_no,
  sku,
  quantity,
  unit_price,
  discount,
  unit_cost,
  refunded_amount,
  updated_at,
  batch_id,
  record_no
FROM order_lines
