/* check
model: attribution.entrance_hourly
severity: error
description: On each day the hours of each entrance sum to its measures in attribution.entrance_daily.
remedy: Compare entrance_hourly with entrance_daily of that day; a row was lost or counted twice.
*/
WITH hours AS (
    SELECT
        dt,
        entrance_id,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue,
        SUM(margin) AS margin
    FROM attribution.entrance_hourly
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY ALL
),

days AS (
    SELECT
        dt,
        entrance_id,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue,
        SUM(margin) AS margin
    FROM attribution.entrance_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY ALL
)

SELECT
    dt,
    entrance_id,
    hours.revenue AS hourly_revenue,
    days.revenue AS daily_revenue,
    hours.order_lines AS hourly_order_lines,
    days.order_lines AS daily_order_lines,
    hours.exposures AS hourly_exposures,
    days.exposures AS daily_exposures
FROM hours
FULL JOIN days USING (dt, entrance_id)
WHERE
    hours.dt IS NULL
    OR days.dt IS NULL
    OR hours.exposures <> days.exposures
    OR hours.product_clicks <> days.product_clicks
    OR hours.add_to_carts <> days.add_to_carts
    OR hours.order_lines <> days.order_lines
    OR hours.units <> days.units
    OR hours.revenue <> days.revenue
    OR hours.net_revenue <> days.net_revenue
    OR COALESCE(hours.margin, 0) <> COALESCE(days.margin, 0)
