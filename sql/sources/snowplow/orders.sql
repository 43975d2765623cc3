-- One paid order for each transaction: of the e-commerce action, or of the older event "transaction". A guest's order
-- belongs to the device, as events.sql says. derived_tstamp is the time of the event by the collector's clock.
SELECT
    CASE WHEN event = 'transaction' THEN tr_orderid ELSE bought ->> 'transaction_id' END AS order_id,
    COALESCE(
        user_id,
        'device:' || COALESCE(cookie_id, client_session ->> 'userId', client_session ->> 'user_id')
    ) AS user_id,
    'paid' AS status,
    derived_at AS ordered_at,
    derived_at AS paid_at,
    CASE WHEN event = 'transaction' THEN tr_currency ELSE bought ->> 'currency' END AS currency,
    batch_id,
    record_no
FROM transactions
WHERE
    event = 'transaction'
    OR action = 'transaction'
