/* model
description: >
  What each of the five touch models credits to each touchpoint on each day. Within a model and touchpoint_type, the
  touchpoints including '(unattributed)' sum to the day's order lines and money. Do not add up the models: each of
  them distributes all sales.
grain: [dt, model, touchpoint_type, touchpoint]
partition: dt
columns:
  dt: {type: DATE, description: business day of payment}
  model: {type: VARCHAR, description: "first, last, linear, position_based or time_decay"}
  touchpoint_type: {type: VARCHAR, description: always entrance}
  touchpoint: {type: VARCHAR, description: "entrance_id; '(unattributed)' = order lines without a touch"}
  conversions: {type: DOUBLE, description: "Σ credit, in order lines"}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue_credit, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ net_revenue_credit, reporting currency"}
*/
SELECT
    dt,
    model,
    touchpoint_type,
    touchpoint,
    SUM(credit) AS conversions,
    CAST(SUM(revenue_credit) AS DECIMAL(18, 4)) AS revenue,
    CAST(SUM(net_revenue_credit) AS DECIMAL(18, 4)) AS net_revenue
FROM attribution.touch_credits
WHERE dt BETWEEN $from_dt AND $to_dt
GROUP BY dt, model, touchpoint_type, touchpoint
