/* check
model: attribution.entrance_daily
severity: error
description: The entrances' revenue sums to the revenue of the landed paid orders of the day, recomputed from the raw versions.
remedy: >
  Compare core.order_lines and attribution.attributed_sales of that day with the landed orders; a line was lost or counted twice.
reads: {raw.orders: all, raw.order_lines: all}
*/
WITH order_versions AS (
    SELECT
        order_id,
        status,
        paid_at,
        paid_dt,
        COALESCE(currency, $currency) AS currency,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
),

line_versions AS (
    SELECT
        order_id,
        line_no,
        quantity,
        CAST(quantity AS DECIMAL(20, 0)) * unit_price - COALESCE(discount, 0) AS amount,
        ROW_NUMBER() OVER (
            PARTITION BY order_id, line_no
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.order_lines
),

landed AS (
    SELECT
        orders.paid_dt AS dt,
        SUM(
            CASE
                WHEN orders.currency = $currency THEN CAST(lines.amount AS DECIMAL(18, 4))
                ELSE CAST(lines.amount * fx.rate AS DECIMAL(18, 4))
            END
        ) AS revenue
    FROM order_versions AS orders
    INNER JOIN line_versions AS lines ON lines.order_id = orders.order_id
    LEFT JOIN config.fx
        ON
            fx.day = orders.paid_dt
            AND fx.currency = orders.currency
    WHERE
        orders.version_no = 1
        AND lines.version_no = 1
        AND lines.quantity > 0
        AND orders.status IN ('paid', 'refunded')
        AND orders.paid_at IS NOT NULL
        AND orders.paid_dt BETWEEN $from_dt AND $to_dt
    GROUP BY orders.paid_dt
),

credited AS (
    SELECT
        dt,
        SUM(revenue) AS revenue
    FROM attribution.entrance_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
)

SELECT
    dt,
    landed.revenue AS landed_revenue,
    credited.revenue AS credited_revenue
FROM landed
FULL JOIN credited USING (dt)
WHERE COALESCE(landed.revenue, 0) <> COALESCE(credited.revenue, 0)
