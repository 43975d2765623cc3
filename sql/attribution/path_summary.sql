/* model
description: >
  The effective paths as text, with the add-to-carts that they led to on each day and the sales of those ends.
grain: [dt, effective_path]
partition: dt
reads: {attribution.path_steps: cart_window_days + max_payment_delay_days + 1}
columns:
  dt: {type: DATE, description: "business day: of the end for add-to-carts, of payment for sales"}
  effective_path: {type: VARCHAR, description: "page_type.module of each step from head to end, joined by ' > '; '(no path)' = sales without a stored path"}
  add_to_carts: {type: BIGINT, description: add-to-carts at the end of this path}
  order_lines: {type: BIGINT, description: order lines matched to an end of this path}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of these lines, reporting currency"}
*/
WITH paths AS (
    SELECT
        end_event_id,
        STRING_AGG(page_type || '.' || COALESCE(module, '(none)'), ' > ' ORDER BY step_no) AS effective_path
    FROM attribution.path_steps
    WHERE
        dt BETWEEN $from_dt - ($cart_window_days + $max_payment_delay_days + 1) AND $to_dt
        AND effective_step_no IS NOT NULL
    GROUP BY end_event_id
),

measures AS (
    SELECT
        carts.dt,
        paths.effective_path,
        1 AS add_to_carts,
        0 AS order_lines,
        CAST(0 AS DECIMAL(18, 4)) AS revenue
    FROM attribution.attributed_events AS carts
    INNER JOIN paths ON paths.end_event_id = carts.event_id
    WHERE
        carts.dt BETWEEN $from_dt AND $to_dt
        AND carts.end_type = 'add_to_cart'
    UNION ALL
    SELECT
        sales.dt,
        COALESCE(paths.effective_path, '(no path)') AS effective_path,
        0 AS add_to_carts,
        1 AS order_lines,
        sales.revenue
    FROM attribution.attributed_sales AS sales
    LEFT JOIN paths ON paths.end_event_id = sales.matched_event_id
    WHERE sales.dt BETWEEN $from_dt AND $to_dt
)

SELECT
    dt,
    effective_path,
    CAST(SUM(add_to_carts) AS BIGINT) AS add_to_carts,
    CAST(SUM(order_lines) AS BIGINT) AS order_lines,
    CAST(SUM(revenue) AS DECIMAL(18, 4)) AS revenue
FROM measures
GROUP BY dt, effective_path
