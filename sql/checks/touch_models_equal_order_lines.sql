/* check
model: attribution.model_daily
severity: error
description: In every model and touchpoint_type the day's conversions sum to the number of order lines in core.order_lines, its orders to the number of orders (within 1e-6), and the money to their money.
remedy: Compare attribution.touch_credits of that day with core.order_lines; an order line was lost or counted twice.
*/
WITH sold AS (
    SELECT
        dt,
        COUNT(*) AS order_lines,
        COUNT(DISTINCT order_id) AS orders,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

models AS (
    SELECT
        model,
        touchpoint_type
    FROM attribution.touch_models
),

expected AS (
    SELECT
        sold.*,
        models.model,
        models.touchpoint_type
    FROM sold
    CROSS JOIN models
),

credited AS (
    SELECT
        dt,
        model,
        touchpoint_type,
        SUM(conversions) AS conversions,
        SUM(orders) AS orders,
        SUM(revenue) AS revenue,
        SUM(net_revenue) AS net_revenue
    FROM attribution.model_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, model, touchpoint_type
)

SELECT
    dt,
    model,
    touchpoint_type,
    expected.order_lines,
    credited.conversions,
    expected.orders,
    credited.orders AS credited_orders,
    expected.revenue,
    credited.revenue AS credited_revenue,
    expected.net_revenue,
    credited.net_revenue AS credited_net_revenue
FROM expected
FULL JOIN credited USING (dt, model, touchpoint_type)
WHERE
    ABS(COALESCE(expected.order_lines, 0) - COALESCE(credited.conversions, 0)) > 0.000001
    OR ABS(COALESCE(expected.orders, 0) - COALESCE(credited.orders, 0)) > 0.000001
    OR COALESCE(expected.revenue, 0) <> COALESCE(credited.revenue, 0)
    OR COALESCE(expected.net_revenue, 0) <> COALESCE(credited.net_revenue, 0)
