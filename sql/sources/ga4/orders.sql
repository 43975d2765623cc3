-- One paid order for each purchase event. A guest's order belongs to the device, as events.sql says. If a shopper opens
-- the thank-you page again, GA4 logs the purchase again: the check of version ties then lists the order, and the order
-- has the time of one of the two events.
SELECT
    order_id,
    COALESCE(NULLIF(user_id, ''), 'device:' || NULLIF(user_pseudo_id, '')) AS user_id,
    'paid' AS status,
    happened_at AS ordered_at,
    happened_at AS paid_at,
    LIST_FILTER(params, lambda param: param.key = 'currency')[1].value.string_value AS currency,
    batch_id,
    record_no
FROM transactions
WHERE event_name = 'purchase'
