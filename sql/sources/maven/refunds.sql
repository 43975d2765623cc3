-- Refunds of single order items, with their time.
SELECT
    order_item_refund_id AS refund_id,
    order_id,
    order_item_id AS line_no,
    created_at || 'Z' AS refunded_at,
    refund_amount_usd AS amount,
    batch_id,
    record_no
FROM refunds
