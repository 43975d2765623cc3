-- A version of an order for each Order Completed, Order Updated and Order Cancelled. The last two do not repeat when the
-- order was completed, so an updated or cancelled order is on the day of the update or cancellation.
WITH taken_apart AS (
    SELECT
        LOWER(event) AS plain_event,
        COALESCE(NULLIF(user_id, ''), 'device:' || NULLIF(anonymous_id, '')) AS user_id,
        COALESCE(timestamp, original_timestamp) AS called_at,
        TRY(FROM_JSON(properties, '{"order_id": "VARCHAR", "currency": "VARCHAR"}')) AS properties,
        batch_id,
        record_no
    FROM events
    WHERE
        type = 'track'
        AND LOWER(event) IN ('order completed', 'order updated', 'order cancelled')
)

SELECT
    properties.order_id AS order_id,
    user_id,
    CASE plain_event WHEN 'order cancelled' THEN 'cancelled' ELSE 'paid' END AS status,
    called_at AS ordered_at,
    called_at AS paid_at,
    properties.currency AS currency,
    called_at AS updated_at,
    batch_id,
    record_no
FROM taken_apart
