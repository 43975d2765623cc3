-- Native refunds, one row for each record; an alternative to refunded_amount on the order lines.
SELECT
  refund_id,
  order_id,
  line_no,
  refunded_at,
  amount,
  updated_at,
  batch_id,
  record_no
FROM refunds
