-- A version of an order for each Order Completed, Order Updated and Order Cancelled. The last two do not say when the order
-- was completed, so an updated or cancelled order is on the day of the update or cancellation.
SELECT
    order_id,
    user_id,
    CASE plain_event WHEN 'order cancelled' THEN 'cancelled' ELSE 'paid' END AS status,
    called_at AS ordered_at,
    called_at AS paid_at,
    currency,
    called_at AS updated_at,
    batch_id,
    record_no
FROM order_calls
WHERE plain_event <> 'order refunded'
