/* model
description: >
  What each of the touch models credits to each touchpoint on each day, beside what was spent on it. Within a model and
  touchpoint_type, the touchpoints including '(unattributed)' sum to the day's order lines and money. A channel or
  campaign with spend has a row also without a sale. Do not add up the models: each of them distributes all sales, and
  each has the whole spend.
grain: [dt, model, touchpoint_type, touchpoint]
partition: dt
columns:
  dt: {type: DATE, description: "business day: of payment for sales, of the spend for spend"}
  model: {type: VARCHAR, description: "first, last, linear, position_based, time_decay, markov or shapley"}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  touchpoint: {type: VARCHAR, description: "as in attribution.touches; '(unattributed)' = order lines without a touch; '(not set)' = spend without a campaign"}
  conversions: {type: DOUBLE, description: "Σ credit, in order lines"}
  orders: {type: DOUBLE, description: "Σ credit, in orders: each line counts as 1 / lines of its order"}
  new_customers: {type: DOUBLE, description: "the same of orders that were the first of their user"}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue_credit, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ net_revenue_credit, reporting currency"}
  spend: {type: "DECIMAL(18,4)", description: "spend on the channel or campaign, reporting currency; null = none reported, not fully known, or another type"}
  roas: {type: DOUBLE, description: revenue / spend}
  cost_per_order: {type: DOUBLE, description: "spend / orders, reporting currency"}
  cost_per_new_customer: {type: DOUBLE, description: "spend / new_customers, reporting currency"}
*/
WITH orders AS (
    SELECT
        lines.order_id,
        lines.dt,
        COUNT(*) AS order_lines,
        COUNT(first_orders.order_id) AS lines_of_first_orders
    FROM core.order_lines AS lines
    LEFT JOIN core.first_orders AS first_orders
        ON
            first_orders.order_id = lines.order_id
            AND first_orders.dt = lines.dt
            AND first_orders.dt BETWEEN $from_dt AND $to_dt
    WHERE lines.dt BETWEEN $from_dt AND $to_dt
    GROUP BY lines.order_id, lines.dt
),

credits AS (
    SELECT
        credits.dt,
        credits.model,
        credits.touchpoint_type,
        credits.touchpoint,
        SUM(credits.credit) AS conversions,
        SUM(credits.credit / NULLIF(orders.order_lines, 0)) AS orders,
        SUM(
            CASE WHEN orders.lines_of_first_orders > 0 THEN credits.credit / NULLIF(orders.order_lines, 0) ELSE 0 END
        ) AS new_customers,
        SUM(credits.revenue_credit) AS revenue,
        SUM(credits.net_revenue_credit) AS net_revenue
    FROM attribution.touch_credits AS credits
    INNER JOIN orders USING (order_id, dt)
    WHERE credits.dt BETWEEN $from_dt AND $to_dt
    GROUP BY credits.dt, credits.model, credits.touchpoint_type, credits.touchpoint
),

costs AS (
    SELECT
        dt,
        channel,
        campaign,
        cost
    FROM core.spend
    WHERE dt BETWEEN $from_dt AND $to_dt
),

spent_on AS (
    SELECT
        dt,
        'channel' AS touchpoint_type,
        channel AS touchpoint,
        cost
    FROM costs
    UNION ALL
    SELECT
        dt,
        'campaign' AS touchpoint_type,
        REGEXP_REPLACE(campaign, ' *> *', '>', 'g') AS touchpoint,
        cost
    FROM costs
),

-- A sum without the costs that are unknown would be too small, so it is unknown too.
spent AS (
    SELECT
        spent_on.dt,
        models.model,
        spent_on.touchpoint_type,
        spent_on.touchpoint,
        CASE WHEN COUNT(*) = COUNT(spent_on.cost) THEN SUM(spent_on.cost) END AS spend
    FROM spent_on
    INNER JOIN attribution.touch_models AS models USING (touchpoint_type)
    GROUP BY spent_on.dt, models.model, spent_on.touchpoint_type, spent_on.touchpoint
),

both_sides AS (
    SELECT
        dt,
        model,
        touchpoint_type,
        touchpoint,
        COALESCE(credits.conversions, 0) AS conversions,
        COALESCE(credits.orders, 0) AS orders,
        COALESCE(credits.new_customers, 0) AS new_customers,
        CAST(COALESCE(credits.revenue, 0) AS DECIMAL(18, 4)) AS revenue,
        CAST(COALESCE(credits.net_revenue, 0) AS DECIMAL(18, 4)) AS net_revenue,
        CAST(spent.spend AS DECIMAL(18, 4)) AS spend
    FROM credits
    FULL JOIN spent USING (dt, model, touchpoint_type, touchpoint)
)

SELECT
    both_sides.*,
    revenue / NULLIF(CAST(spend AS DOUBLE), 0) AS roas,
    CAST(spend AS DOUBLE) / NULLIF(orders, 0) AS cost_per_order,
    CAST(spend AS DOUBLE) / NULLIF(new_customers, 0) AS cost_per_new_customer
FROM both_sides
