/* model
description: >
  What the modules inside paths contribute on each day: the add-to-carts and sales whose path passes through the
  module (assisted) or has it as the last step before the end (closing), and the module's own exposures and clicks.
  Assisted and closing figures skip the modules in the setting action_modules (buttons). Do not add them to the
  entrances' credit: the same sales are counted in both.
grain: [dt, page_type, module]
partition: dt
reads: {attribution.path_steps: cart_window_days + max_payment_delay_days + 1}
columns:
  dt: {type: DATE, description: "business day: of the event for exposures and clicks, of the end for add-to-carts, of payment for sales"}
  page_type: {type: VARCHAR, description: kind of page}
  module: {type: VARCHAR, description: "module on the page; '(none)' = the events name no module"}
  assisted_add_to_carts: {type: BIGINT, description: add-to-carts whose effective path has a click on the module between head and end; modules in action_modules are excluded}
  assisted_order_lines: {type: BIGINT, description: order lines matched to one of these add-to-carts or to another end with such a path}
  assisted_revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of these lines, reporting currency"}
  closing_add_to_carts: {type: BIGINT, description: "add-to-carts whose effective path has this module as the last step before the end; steps on modules in action_modules are skipped, the head counts as a step"}
  closing_order_lines: {type: BIGINT, description: order lines matched to one of these add-to-carts or to another end with such a path}
  closing_revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of these lines, reporting currency"}
  exposures: {type: BIGINT, description: exposure events of the module}
  clicks: {type: BIGINT, description: click events of the module}
  click_through_rate: {type: DOUBLE, description: clicks / exposures}
*/
WITH steps AS (
    SELECT
        end_event_id,
        step_no,
        role,
        page_type,
        COALESCE(module, '(none)') AS module
    FROM attribution.path_steps
    WHERE
        dt BETWEEN $from_dt - ($cart_window_days + $max_payment_delay_days + 1) AND $to_dt
        AND role <> 'end'
        AND effective_step_no IS NOT NULL
        AND NOT COALESCE(module IN ($action_modules), FALSE)
),

assisting AS (
    SELECT DISTINCT
        end_event_id,
        page_type,
        module
    FROM steps
    WHERE role = 'click'
),

steps_from_end AS (
    SELECT
        steps.*,
        ROW_NUMBER() OVER (PARTITION BY end_event_id ORDER BY step_no DESC) AS step_from_end
    FROM steps
),

parts AS (
    SELECT
        end_event_id,
        page_type,
        module,
        'assisted' AS part
    FROM assisting
    UNION ALL
    SELECT
        end_event_id,
        page_type,
        module,
        'closing' AS part
    FROM steps_from_end
    WHERE step_from_end = 1
),

conversions AS (
    SELECT
        event_id AS end_event_id,
        1 AS add_to_carts,
        0 AS order_lines,
        CAST(0 AS DECIMAL(18, 4)) AS revenue,
        dt
    FROM attribution.attributed_events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND end_type = 'add_to_cart'
    UNION ALL
    SELECT
        matched_event_id AS end_event_id,
        0 AS add_to_carts,
        1 AS order_lines,
        revenue,
        dt
    FROM attribution.attributed_sales
    WHERE dt BETWEEN $from_dt AND $to_dt
),

credits AS (
    SELECT
        conversions.dt,
        parts.page_type,
        parts.module,
        SUM(conversions.add_to_carts) FILTER (WHERE parts.part = 'assisted') AS assisted_add_to_carts,
        SUM(conversions.order_lines) FILTER (WHERE parts.part = 'assisted') AS assisted_order_lines,
        SUM(conversions.revenue) FILTER (WHERE parts.part = 'assisted') AS assisted_revenue,
        SUM(conversions.add_to_carts) FILTER (WHERE parts.part = 'closing') AS closing_add_to_carts,
        SUM(conversions.order_lines) FILTER (WHERE parts.part = 'closing') AS closing_order_lines,
        SUM(conversions.revenue) FILTER (WHERE parts.part = 'closing') AS closing_revenue
    FROM conversions
    INNER JOIN parts USING (end_event_id)
    GROUP BY conversions.dt, parts.page_type, parts.module
),

own AS (
    SELECT
        dt,
        page_type,
        COALESCE(module, '(none)') AS module,
        COUNT(*) FILTER (WHERE event_type = 'exposure') AS exposures,
        COUNT(*) FILTER (WHERE event_type = 'click') AS clicks
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND event_type IN ('exposure', 'click')
    GROUP BY ALL
)

SELECT
    dt,
    page_type,
    module,
    CAST(COALESCE(credits.assisted_add_to_carts, 0) AS BIGINT) AS assisted_add_to_carts,
    CAST(COALESCE(credits.assisted_order_lines, 0) AS BIGINT) AS assisted_order_lines,
    CAST(COALESCE(credits.assisted_revenue, 0) AS DECIMAL(18, 4)) AS assisted_revenue,
    CAST(COALESCE(credits.closing_add_to_carts, 0) AS BIGINT) AS closing_add_to_carts,
    CAST(COALESCE(credits.closing_order_lines, 0) AS BIGINT) AS closing_order_lines,
    CAST(COALESCE(credits.closing_revenue, 0) AS DECIMAL(18, 4)) AS closing_revenue,
    CAST(COALESCE(own.exposures, 0) AS BIGINT) AS exposures,
    CAST(COALESCE(own.clicks, 0) AS BIGINT) AS clicks,
    CAST(own.clicks AS DOUBLE) / NULLIF(own.exposures, 0) AS click_through_rate
FROM own
FULL JOIN credits USING (dt, page_type, module)
