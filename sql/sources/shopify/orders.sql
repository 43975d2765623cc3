-- The newest version of each order.
SELECT
    order_id,
    CASE WHEN contact IS NOT NULL THEN SHA256(contact) END AS user_id,
    CASE
        WHEN status = 'unpaid' AND cancelled_at IS NOT NULL THEN 'cancelled'
        ELSE COALESCE(status, financial_status)
    END AS status,
    -- Validation accepts times in forms that Shopify never writes. order_lines.sql refuses the lines of an order with
    -- such a time, so refuse the order here too.
    CASE WHEN created IS NULL THEN '? ' || created_at ELSE created_at END AS ordered_at,
    CASE
        WHEN paid IS NULL AND paid_at IS NOT NULL THEN '? ' || paid_at
        WHEN status IN ('paid', 'refunded') THEN COALESCE(paid_at, created_at)
        ELSE paid_at
    END AS paid_at,
    currency,
    updated_at,
    batch_id,
    record_no
FROM order_entries
WHERE
    is_head
    AND (is_readable OR NOT has_sound_order)
