/* model
description: >
  What each of the five touch models credits to each touchpoint, a day. Within a model and kind of touchpoint,
  '(unattributed)' included, the touchpoints sum to the day's order lines and money. Never add two models.
grain: [dt, model, touchpoint_type, touchpoint]
partition: dt
columns:
  dt: {type: DATE, description: business day of payment}
  model: {type: VARCHAR, description: "first, last, linear, position_based or time_decay"}
  touchpoint_type: {type: VARCHAR, description: "kind of touchpoint: entrance"}
  touchpoint: {type: VARCHAR, description: "what was touched; '(unattributed)' = order lines without a touch"}
  conversions: {type: DOUBLE, description: Σ credit of order lines}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue_credit, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: Σ net_revenue_credit}
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
