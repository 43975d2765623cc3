/* model
description: >
  How much of the window's sales the customer tables include: they exclude order lines without a known user.
grain: [dt]
partition: dt
as_of: true
reads: {core.order_lines: rfm_window_days - 1}
columns:
  dt: {type: DATE, description: last business day of the window}
  customers: {type: BIGINT, description: distinct users with a paid order}
  order_lines: {type: BIGINT, description: lines of paid orders}
  lines_without_user: {type: BIGINT, description: order lines whose user is unknown}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of all lines, reporting currency"}
  revenue_without_user: {type: "DECIMAL(18,4)", description: "Σ revenue of the lines without a user, reporting currency"}
*/
SELECT
    $dt AS dt,
    COUNT(DISTINCT user_id) AS customers,
    COUNT(*) AS order_lines,
    COUNT(*) FILTER (WHERE user_id IS NULL) AS lines_without_user,
    CAST(COALESCE(SUM(revenue), 0) AS DECIMAL(18, 4)) AS revenue,
    CAST(COALESCE(SUM(revenue) FILTER (WHERE user_id IS NULL), 0) AS DECIMAL(18, 4)) AS revenue_without_user
FROM core.order_lines
WHERE dt BETWEEN $dt - ($rfm_window_days - 1) AND $dt
