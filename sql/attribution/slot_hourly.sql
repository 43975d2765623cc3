/* model
description: >
  The measures of slot_daily for each hour of the day, for the last days only (setting hours.days). Use it to see when
  a slot is seen and sells, and at which hour its content changed.
grain: [dt, hour, entrance_id, head_page_type, head_module, head_slot, head_content_id]
partition: dt
last_days: hours_days
columns:
  dt: {type: DATE, description: "business day: of the event for exposures, clicks, add-to-carts and impressions; of payment for sales"}
  hour: {type: INTEGER, description: "hour of the day by the shop's clocks, 0 to 23; an hour that the clocks repeat when summer time ends is one row"}
  entrance_id: {type: VARCHAR, description: "entrance; '(direct)' and '(unattributed)' as in entrance_daily"}
  head_page_type: {type: VARCHAR, description: "page of the slot; '(none)' if there is no head"}
  head_module: {type: VARCHAR, description: "module of the slot; '(none)' if there is none"}
  head_slot: {type: INTEGER, description: "position in the module, from 1; 0 if there is none"}
  head_content_id: {type: VARCHAR, description: "creative, campaign or version that the slot showed; '(none)' if the events name none"}
  exposures: {type: BIGINT, description: product exposures credited to it}
  product_clicks: {type: BIGINT, description: product clicks credited to it}
  add_to_carts: {type: BIGINT, description: add-to-carts credited to it}
  visitors: {type: BIGINT, description: "distinct persons of the hour with one of these exposures, clicks or add-to-carts; hours do not add up"}
  orders: {type: BIGINT, description: distinct orders with at least one line credited to it}
  order_lines: {type: BIGINT, description: order lines credited to it}
  units: {type: BIGINT, description: units on these order lines}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of these lines, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ revenue − refunds so far, reporting currency"}
  margin: {type: "DECIMAL(18,4)", description: "Σ margin of the lines with a known cost, reporting currency; null if there are lines but none has a known cost"}
  impressions: {type: BIGINT, description: "exposure events on the slot, with or without a product"}
  clicks: {type: BIGINT, description: "click events on the slot, with or without a product"}
  has_impressions: {type: BOOLEAN, description: "whether the slot had impressions on this day, whatever it showed; rates of impressions count only such rows"}
*/
WITH offsets AS (
    SELECT
        valid_from,
        valid_to,
        utc_offset_seconds
    FROM config.utc_offsets
),

ends AS (
    SELECT
        events.dt,
        CAST(EXTRACT(HOUR FROM events.occurred_at + offsets.utc_offset_seconds * INTERVAL '1' SECOND) AS INTEGER) AS hour,
        events.entrance_id,
        events.head_page_type,
        events.head_module,
        events.head_slot,
        events.head_content_id,
        COUNT(*) FILTER (WHERE events.end_type = 'exposure') AS exposures,
        COUNT(*) FILTER (WHERE events.end_type = 'click') AS product_clicks,
        COUNT(*) FILTER (WHERE events.end_type = 'add_to_cart') AS add_to_carts,
        COUNT(DISTINCT events.person_id) AS visitors
    FROM attribution.attributed_events AS events
    INNER JOIN offsets
        ON events.occurred_at >= offsets.valid_from AND events.occurred_at < offsets.valid_to
    WHERE events.dt BETWEEN $from_dt AND $to_dt
    GROUP BY ALL
),

sales AS (
    SELECT
        sales.dt,
        CAST(EXTRACT(HOUR FROM sales.paid_at + offsets.utc_offset_seconds * INTERVAL '1' SECOND) AS INTEGER) AS hour,
        sales.entrance_id,
        sales.head_page_type,
        sales.head_module,
        sales.head_slot,
        sales.head_content_id,
        COUNT(DISTINCT sales.order_id) AS orders,
        COUNT(*) AS order_lines,
        SUM(sales.quantity) AS units,
        SUM(sales.revenue) AS revenue,
        SUM(sales.net_revenue) AS net_revenue,
        SUM(sales.margin) AS margin
    FROM attribution.attributed_sales AS sales
    INNER JOIN offsets
        ON sales.paid_at >= offsets.valid_from AND sales.paid_at < offsets.valid_to
    WHERE sales.dt BETWEEN $from_dt AND $to_dt
    GROUP BY ALL
),

slots AS (
    SELECT
        events.dt,
        CAST(EXTRACT(HOUR FROM events.occurred_at + offsets.utc_offset_seconds * INTERVAL '1' SECOND) AS INTEGER) AS hour,
        events.entrance_id,
        events.page_type AS head_page_type,
        COALESCE(events.module, '(none)') AS head_module,
        COALESCE(events.slot, 0) AS head_slot,
        COALESCE(events.content_id, '(none)') AS head_content_id,
        COUNT(*) FILTER (WHERE events.event_type = 'exposure') AS impressions,
        COUNT(*) FILTER (WHERE events.event_type = 'click') AS clicks
    FROM core.events AS events
    INNER JOIN offsets
        ON events.occurred_at >= offsets.valid_from AND events.occurred_at < offsets.valid_to
    WHERE
        events.dt BETWEEN $from_dt AND $to_dt
        AND events.entrance_id IS NOT NULL
        AND events.event_type IN ('exposure', 'click')
    GROUP BY ALL
)

SELECT
    dt,
    hour,
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
    CAST(COALESCE(sales.units, 0) AS BIGINT) AS units,
    CAST(COALESCE(sales.revenue, 0) AS DECIMAL(18, 4)) AS revenue,
    CAST(COALESCE(sales.net_revenue, 0) AS DECIMAL(18, 4)) AS net_revenue,
    CAST(CASE WHEN sales.order_lines IS NULL THEN 0 ELSE sales.margin END AS DECIMAL(18, 4)) AS margin,
    CAST(COALESCE(slots.impressions, 0) AS BIGINT) AS impressions,
    CAST(COALESCE(slots.clicks, 0) AS BIGINT) AS clicks,
    COALESCE(
        SUM(slots.impressions) OVER (PARTITION BY dt, entrance_id, head_page_type, head_module, head_slot) > 0, FALSE
    ) AS has_impressions
FROM ends
FULL JOIN sales USING (dt, hour, entrance_id, head_page_type, head_module, head_slot, head_content_id)
FULL JOIN slots USING (dt, hour, entrance_id, head_page_type, head_module, head_slot, head_content_id)
