/* check
model: attribution.slot_hourly
severity: error
description: On each day the hours of each slot and content sum to its measures in attribution.slot_daily.
remedy: Compare slot_hourly with slot_daily of that day; a row was lost or counted twice.
*/
WITH hours AS (
    SELECT
        dt,
        entrance_id,
        head_page_type,
        head_module,
        head_slot,
        head_content_id,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue,
        SUM(impressions) AS impressions,
        SUM(clicks) AS clicks,
        SUM(margin) AS margin
    FROM attribution.slot_hourly
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY ALL
),

days AS (
    SELECT
        dt,
        entrance_id,
        head_page_type,
        head_module,
        head_slot,
        head_content_id,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue,
        SUM(impressions) AS impressions,
        SUM(clicks) AS clicks,
        SUM(margin) AS margin
    FROM attribution.slot_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY ALL
)

SELECT
    dt,
    entrance_id,
    head_page_type,
    head_module,
    head_slot,
    head_content_id,
    hours.revenue AS hourly_revenue,
    days.revenue AS daily_revenue,
    hours.order_lines AS hourly_order_lines,
    days.order_lines AS daily_order_lines,
    hours.exposures AS hourly_exposures,
    days.exposures AS daily_exposures
FROM hours
FULL JOIN days USING (dt, entrance_id, head_page_type, head_module, head_slot, head_content_id)
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
    OR hours.impressions <> days.impressions
    OR hours.clicks <> days.clicks
    OR COALESCE(hours.margin, 0) <> COALESCE(days.margin, 0)
