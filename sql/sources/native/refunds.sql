-- Native refunds, one row a record, instead of refunded_amount on the lines.
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
