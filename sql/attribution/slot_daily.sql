/* model
description: >
  The measures of entrance_daily for each slot and the content that it showed, and the slot's own impressions and
  clicks. Use it to compare the contents that a slot has shown.
grain: [dt, entrance_id, head_page_type, head_module, head_slot, head_content_id]
partition: dt
columns:
  dt: {type: DATE, description: "business day: of the event for exposures, clicks, add-to-carts and impressions; of payment for sales"}
  entrance_id: {type: VARCHAR, description: "entrance; '(direct)' and '(unattributed)' as in entrance_daily"}
  head_page_type: {type: VARCHAR, description: "page of the slot; '(none)' if there is no head"}
  head_module: {type: VARCHAR, description: "module of the slot; '(none)' if there is none"}
  head_slot: {type: INTEGER, description: "position in the module, from 1; 0 if there is none"}
  head_content_id: {type: VARCHAR, description: "creative, campaign or version that the slot showed; '(none)' if the events name none"}
  exposures: {type: BIGINT, description: product exposures credited to it}
  product_clicks: {type: BIGINT, description: product clicks credited to it}
  add_to_carts: {type: BIGINT, description: add-to-carts credited to it}
  visitors: {type: BIGINT, description: "distinct persons with one of these exposures, clicks or add-to-carts"}
  orders: {type: BIGINT, description: distinct orders with at least one line credited to it}
  order_lines: {type: BIGINT, description: order lines credited to it}
  buyers: {type: BIGINT, description: distinct users of these order lines; lines without a known user are not counted}
  units: {type: BIGINT, description: units on these order lines}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of these lines, reporting currency"}
  revenue_by_visit: {type: "DECIMAL(18,4)", description: "the part of revenue that is matched only by the person's latest entrance visit (matched_by = visit)"}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ revenue − refunds so far, reporting currency"}
  margin: {type: "DECIMAL(18,4)", description: "Σ margin of the lines with a known cost, reporting currency; null if there are lines but none has a known cost"}
  lines_without_cost: {type: BIGINT, description: order lines whose cost is unknown}
  click_through_rate: {type: DOUBLE, description: product_clicks / exposures}
  cart_rate: {type: DOUBLE, description: add_to_carts / product_clicks}
  click_to_order_rate: {type: DOUBLE, description: order_lines / product_clicks}
  revenue_per_mille: {type: DOUBLE, description: "revenue per thousand exposures: 1000 · revenue / exposures"}
  impressions: {type: BIGINT, description: "exposure events on the slot, with or without a product"}
  clicks: {type: BIGINT, description: "click events on the slot, with or without a product"}
  has_impressions: {type: BOOLEAN, description: "whether the slot had impressions on this day, whatever it showed; rates of impressions count only such rows"}
*/
WITH ends AS (
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
        COUNT(DISTINCT person_id) AS visitors
    FROM attribution.visitor_ends
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, entrance_id, head_page_type, head_module, head_slot, head_content_id
),

sales AS (
    SELECT
        dt,
        entrance_id,
        head_page_type,
        head_module,
        head_slot,
        head_content_id,
        COUNT(DISTINCT order_id) AS orders,
        COUNT(*) AS order_lines,
        COUNT(DISTINCT person_id) AS buyers,
        SUM(quantity) AS units,
        SUM(revenue) AS revenue,
        SUM(CASE WHEN matched_by = 'visit' THEN revenue ELSE 0 END) AS revenue_by_visit,
        SUM(net_revenue) AS net_revenue,
        SUM(margin) AS margin,
        COUNT(*) FILTER (WHERE margin IS NULL) AS lines_without_cost
    FROM attribution.attributed_sales
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, entrance_id, head_page_type, head_module, head_slot, head_content_id
),

slots AS (
    SELECT
        dt,
        entrance_id,
        head_page_type,
        head_module,
        head_slot,
        head_content_id,
        SUM(impressions) AS impressions,
        SUM(clicks) AS clicks
    FROM attribution.visitor_slots
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, entrance_id, head_page_type, head_module, head_slot, head_content_id
)

SELECT
    dt,
    entrance_id,
    head_page_type,
    head_module,
    head_slot,
    head_content_id,
    CAST(COALESCE(ends.exposures, 0) AS BIGINT) AS exposures,
    CAST(COALESCE(ends.product_clicks, 0) AS BIGINT) AS product_clicks,
    CAST(COALESCE(ends.add_to_carts, 0) AS BIGINT) AS add_to_carts,
    CAST(COALESCE(ends.visitors, 0) AS BIGINT) AS visitors,
    CAST(COALESCE(sales.orders, 0) AS BIGINT) AS orders,
    CAST(COALESCE(sales.order_lines, 0) AS BIGINT) AS order_lines,
    CAST(COALESCE(sales.buyers, 0) AS BIGINT) AS buyers,
    CAST(COALESCE(sales.units, 0) AS BIGINT) AS units,
    CAST(COALESCE(sales.revenue, 0) AS DECIMAL(18, 4)) AS revenue,
    CAST(COALESCE(sales.revenue_by_visit, 0) AS DECIMAL(18, 4)) AS revenue_by_visit,
    CAST(COALESCE(sales.net_revenue, 0) AS DECIMAL(18, 4)) AS net_revenue,
    CAST(CASE WHEN sales.order_lines IS NULL THEN 0 ELSE sales.margin END AS DECIMAL(18, 4)) AS margin,
    CAST(COALESCE(sales.lines_without_cost, 0) AS BIGINT) AS lines_without_cost,
    CAST(ends.product_clicks AS DOUBLE) / NULLIF(ends.exposures, 0) AS click_through_rate,
    CAST(ends.add_to_carts AS DOUBLE) / NULLIF(ends.product_clicks, 0) AS cart_rate,
    CAST(COALESCE(sales.order_lines, 0) AS DOUBLE) / NULLIF(ends.product_clicks, 0) AS click_to_order_rate,
    CAST(1000 * COALESCE(sales.revenue, 0) AS DOUBLE) / NULLIF(ends.exposures, 0) AS revenue_per_mille,
    CAST(COALESCE(slots.impressions, 0) AS BIGINT) AS impressions,
    CAST(COALESCE(slots.clicks, 0) AS BIGINT) AS clicks,
    COALESCE(
        SUM(slots.impressions) OVER (PARTITION BY dt, entrance_id, head_page_type, head_module, head_slot) > 0, FALSE
    ) AS has_impressions
FROM ends
FULL JOIN sales USING (dt, entrance_id, head_page_type, head_module, head_slot, head_content_id)
FULL JOIN slots USING (dt, entrance_id, head_page_type, head_module, head_slot, head_content_id)
