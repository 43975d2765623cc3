/* model
description: >
  What happened to each sku on each day. Sales count on the day of payment, refunds on the day on which they were
  made. The other product tables add up the skus of a product_id.
grain: [dt, sku]
partition: dt
columns:
  dt: {type: DATE, description: business day}
  sku: {type: VARCHAR, description: "what was shown or sold: a product or a variant of one"}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself"}
  exposures: {type: BIGINT, description: product exposure events}
  product_clicks: {type: BIGINT, description: product click events}
  views: {type: BIGINT, description: "page_view events with a sku, which are those of its detail page, and product_view events, which some sources have instead"}
  add_to_carts: {type: BIGINT, description: add-to-cart events}
  order_lines: {type: BIGINT, description: lines of paid orders}
  units: {type: BIGINT, description: units sold}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of these lines, reporting currency"}
  cost: {type: "DECIMAL(18,4)", description: "Σ cost of the lines whose cost is known, reporting currency"}
  lines_without_cost: {type: BIGINT, description: order lines whose cost is unknown}
  refunded: {type: "DECIMAL(18,4)", description: "Σ refunds made on the day, reporting currency"}
*/
WITH ends AS (
    SELECT
        dt,
        sku,
        product_id,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts
    FROM attribution.visitor_ends
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, sku, product_id
),

product_views AS (
    SELECT
        dt,
        sku,
        product_id,
        COUNT(*) AS views
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND event_type IN ('page_view', 'product_view')
        AND sku IS NOT NULL
    GROUP BY dt, sku, product_id
),

sales AS (
    SELECT
        dt,
        sku,
        product_id,
        COUNT(*) AS order_lines,
        SUM(quantity) AS units,
        SUM(revenue) AS revenue,
        SUM(cost) AS cost,
        COUNT(*) FILTER (WHERE cost IS NULL) AS lines_without_cost
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, sku, product_id
),

refunds AS (
    SELECT
        dt,
        sku,
        product_id,
        SUM(amount) AS refunded
    FROM core.refunds
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, sku, product_id
)

SELECT
    dt,
    sku,
    product_id,
    CAST(COALESCE(ends.exposures, 0) AS BIGINT) AS exposures,
    CAST(COALESCE(ends.product_clicks, 0) AS BIGINT) AS product_clicks,
    CAST(COALESCE(product_views.views, 0) AS BIGINT) AS views,
    CAST(COALESCE(ends.add_to_carts, 0) AS BIGINT) AS add_to_carts,
    CAST(COALESCE(sales.order_lines, 0) AS BIGINT) AS order_lines,
    CAST(COALESCE(sales.units, 0) AS BIGINT) AS units,
    CAST(COALESCE(sales.revenue, 0) AS DECIMAL(18, 4)) AS revenue,
    CAST(COALESCE(sales.cost, 0) AS DECIMAL(18, 4)) AS cost,
    CAST(COALESCE(sales.lines_without_cost, 0) AS BIGINT) AS lines_without_cost,
    CAST(COALESCE(refunds.refunded, 0) AS DECIMAL(18, 4)) AS refunded
FROM ends
FULL JOIN product_views USING (dt, sku, product_id)
FULL JOIN sales USING (dt, sku, product_id)
FULL JOIN refunds USING (dt, sku, product_id)
