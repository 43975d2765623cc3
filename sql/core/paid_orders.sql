/* model
description: >
  The paid orders of core.order_lines, one row for each, without refunds. A refund changes the rows of core.order_lines
  but none here, and a day whose rows stay the same keeps its version; so the tables that read this table are not
  computed again.
grain: [order_id]
partition: dt
version: rows
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  user_id: {type: VARCHAR, description: user who ordered; null = unknown}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC"}
  paid_at: {type: TIMESTAMP, description: "time of payment, UTC"}
  order_lines: {type: BIGINT, description: lines of the order}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of the lines before refunds, reporting currency"}
  dt: {type: DATE, description: business day of payment}
*/
SELECT
    order_id,
    user_id,
    ordered_at,
    paid_at,
    COUNT(*) AS order_lines,
    CAST(SUM(revenue) AS DECIMAL(18, 4)) AS revenue,
    dt
FROM core.order_lines
WHERE dt BETWEEN $from_dt AND $to_dt
GROUP BY order_id, user_id, ordered_at, paid_at, dt
