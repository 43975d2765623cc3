/* model
description: >
  What is expected of each customer in the 90 days after the end of the month, by the models in customers.clv_fits. Who never
  bought again counts as certainly still a customer: that is how BG/NBD sees it, and their expected orders are few.
grain: [dt, user_id]
partition: dt
as_of: month_end
python: pipelines.clv.tables:values
columns:
  dt: {type: DATE, description: end of the month}
  user_id: {type: VARCHAR, description: customer}
  p_alive: {type: DOUBLE, description: probability to be a customer still; null without a BG/NBD model}
  expected_orders_90d: {type: DOUBLE, description: expected purchases in the next 90 days}
  expected_value_90d: {type: DOUBLE, description: "their expected net revenue; null without a Gamma-Gamma model"}
*/
WITH fits AS (
    SELECT
        r,
        alpha,
        a,
        b,
        p,
        q,
        gamma
    FROM customers.clv_fits
    WHERE dt = $dt
),

inputs AS (
    SELECT
        dt,
        user_id,
        frequency,
        recency_days,
        age_days,
        mean_value
    FROM customers.clv_inputs
    WHERE dt = $dt
)

SELECT
    inputs.*,
    fits.*
FROM inputs
CROSS JOIN fits
