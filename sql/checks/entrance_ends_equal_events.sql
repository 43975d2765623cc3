/* check
model: attribution.entrance_daily
severity: error
description: The entrances' exposures, clicks and add-to-carts sum to the day's exposures, clicks and add-to-carts in the raw events.
remedy: Compare attribution.attributed_events of that day with raw.events; an event was lost or counted twice.
*/
WITH superseded AS (
    SELECT
        event_id,
        batch_id
    FROM raw.superseded_events
    WHERE dt BETWEEN $from_dt AND $to_dt
),

landed AS (
    SELECT
        raw_events.dt,
        COUNT(*) FILTER (WHERE raw_events.event_type = 'exposure') AS exposures,
        COUNT(*) FILTER (WHERE raw_events.event_type = 'click') AS product_clicks,
        COUNT(*) FILTER (WHERE raw_events.event_type = 'add_to_cart') AS add_to_carts
    FROM raw.events AS raw_events
    ANTI JOIN superseded USING (event_id, batch_id)
    WHERE
        raw_events.dt BETWEEN $from_dt AND $to_dt
        AND raw_events.sku IS NOT NULL
        AND NOT COALESCE(raw_events.is_bot, FALSE)
        AND (
            raw_events.event_type IN ('exposure', 'add_to_cart')
            OR (raw_events.event_type = 'click' AND NOT COALESCE(raw_events.module IN ($action_modules), FALSE))
        )
    GROUP BY raw_events.dt
),

credited AS (
    SELECT
        dt,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts
    FROM attribution.entrance_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
)

SELECT
    dt,
    landed.exposures AS landed_exposures,
    credited.exposures AS credited_exposures,
    landed.product_clicks AS landed_product_clicks,
    credited.product_clicks AS credited_product_clicks,
    landed.add_to_carts AS landed_add_to_carts,
    credited.add_to_carts AS credited_add_to_carts
FROM landed
FULL JOIN credited USING (dt)
WHERE
    COALESCE(landed.exposures, 0) <> COALESCE(credited.exposures, 0)
    OR COALESCE(landed.product_clicks, 0) <> COALESCE(credited.product_clicks, 0)
    OR COALESCE(landed.add_to_carts, 0) <> COALESCE(credited.add_to_carts, 0)
