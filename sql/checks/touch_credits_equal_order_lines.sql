/* check
model: attribution.touch_credits
severity: error
description: In every model and touchpoint_type the credits of each order line sum to 1 (within 1e-9), and its money to the money of the line in core.order_lines.
remedy: Compare attribution.touch_credits with core.order_lines for that line; a touch was lost or counted twice.
*/
WITH lines AS (
    SELECT
        order_id,
        line_no,
        revenue,
        net_revenue,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
),

models AS (
    SELECT
        model,
        touchpoint_type
    FROM attribution.touch_models
),

expected AS (
    SELECT
        lines.*,
        models.model,
        models.touchpoint_type
    FROM lines
    CROSS JOIN models
),

credited AS (
    SELECT
        dt,
        order_id,
        line_no,
        model,
        touchpoint_type,
        SUM(credit) AS credit,
        SUM(revenue_credit) AS revenue,
        SUM(net_revenue_credit) AS net_revenue
    FROM attribution.touch_credits
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, order_id, line_no, model, touchpoint_type
)

SELECT
    dt,
    order_id,
    line_no,
    model,
    touchpoint_type,
    credited.credit,
    expected.revenue,
    credited.revenue AS credited_revenue,
    expected.net_revenue,
    credited.net_revenue AS credited_net_revenue
FROM expected
FULL JOIN credited USING (dt, order_id, line_no, model, touchpoint_type)
WHERE
    expected.order_id IS NULL
    OR credited.order_id IS NULL
    OR credited.credit IS NULL
    OR ABS(credited.credit - 1) > 0.000000001
    OR expected.revenue IS DISTINCT FROM credited.revenue
    OR expected.net_revenue IS DISTINCT FROM credited.net_revenue
