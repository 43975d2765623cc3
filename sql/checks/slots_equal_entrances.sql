/* check
model: attribution.slot_daily
severity: error
description: On each day the slots' measures sum to the entrances' measures in attribution.entrance_daily.
remedy: Compare slot_daily with entrance_daily of that day; a row was lost or counted twice.
*/
WITH slots AS (
    SELECT
        dt,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(order_lines) AS order_lines,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue
    FROM attribution.slot_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

entrances AS (
    SELECT
        dt,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(order_lines) AS order_lines,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue
    FROM attribution.entrance_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
)

SELECT
    dt,
    slots.revenue AS slot_revenue,
    entrances.revenue AS entrance_revenue,
    slots.order_lines AS slot_order_lines,
    entrances.order_lines AS entrance_order_lines,
    slots.exposures AS slot_exposures,
    entrances.exposures AS entrance_exposures
FROM slots
FULL JOIN entrances USING (dt)
WHERE
    COALESCE(slots.exposures, 0) <> COALESCE(entrances.exposures, 0)
    OR COALESCE(slots.product_clicks, 0) <> COALESCE(entrances.product_clicks, 0)
    OR COALESCE(slots.add_to_carts, 0) <> COALESCE(entrances.add_to_carts, 0)
    OR COALESCE(slots.order_lines, 0) <> COALESCE(entrances.order_lines, 0)
    OR COALESCE(slots.revenue, 0) <> COALESCE(entrances.revenue, 0)
    OR COALESCE(slots.net_revenue, 0) <> COALESCE(entrances.net_revenue, 0)
