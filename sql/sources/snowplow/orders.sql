-- One paid order for each transaction: of the e-commerce action, or of the older event "transaction". A guest's order
-- belongs to the device, as events.sql says. derived_tstamp is the time of the event by the collector's clock.
WITH transactions AS (
    SELECT
        event,
        tr_orderid,
        tr_currency,
        NULLIF(user_id, '') AS user_id,
        COALESCE(NULLIF(domain_userid, ''), NULLIF(network_userid, '')) AS cookie_id,
        COALESCE(NULLIF(derived_tstamp, ''), collector_tstamp) AS derived_at,
        TRY(FROM_JSON(
            COALESCE(ecommerce_action, TRY(FROM_JSON(unstruct_event, '{"data": {"data": "JSON"}}')).data.data),
            '{"type": "VARCHAR"}'
        )).type AS action,
        COALESCE(
            TRY(FROM_JSON(transaction_entities, '["JSON"]'))[1],
            LIST_FILTER(
                TRY(FROM_JSON(contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data,
                lambda entity: STARTS_WITH(
                    entity.schema,
                    'iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/'
                )
            )[1].data
        ) AS bought,
        COALESCE(
            TRY(FROM_JSON(session_entities, '["JSON"]'))[1],
            LIST_FILTER(
                TRY(FROM_JSON(contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data,
                lambda entity: STARTS_WITH(entity.schema, 'iglu:com.snowplowanalytics.snowplow/client_session/')
            )[1].data
        ) AS client_session,
        batch_id,
        record_no
    FROM events
    WHERE
        event = 'transaction'
        OR event_name = 'snowplow_ecommerce_action'
)

SELECT
    CASE WHEN event = 'transaction' THEN tr_orderid ELSE bought ->> 'transaction_id' END AS order_id,
    COALESCE(
        user_id,
        'device:' || COALESCE(cookie_id, client_session ->> 'userId', client_session ->> 'user_id')
    ) AS user_id,
    'paid' AS status,
    REGEXP_REPLACE(derived_at, '^([0-9-]{10}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)$', '\1Z') AS ordered_at,
    REGEXP_REPLACE(derived_at, '^([0-9-]{10}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)$', '\1Z') AS paid_at,
    CASE WHEN event = 'transaction' THEN tr_currency ELSE bought ->> 'currency' END AS currency,
    batch_id,
    record_no
FROM transactions
WHERE
    event = 'transaction'
    OR action = 'transaction'
