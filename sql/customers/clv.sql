/* model
description: >
  The expected purchases of each customer in the 90 days after the end of the month, by the models in
  customers.clv_fits. BG/NBD treats a customer without a repeat purchase as certainly active, with p_alive 1, but
  expects few orders from them.
grain: [dt, user_id]
partition: dt
as_of: month_end
python: pipelines.clv.tables:values
columns:
  dt: {type: DATE, description: last day of the month}
  user_id: {type: VARCHAR, description: customer with a paid order in the last history_days (setting lifecycle)}
  p_alive: {type: DOUBLE, description: probability that the customer is still active; null without a BG/NBD model}
  expected_orders_90d: {type: DOUBLE, description: expected purchases in the 90 days after dt; null without a BG/NBD model}
  expected_value_90d: {type: DOUBLE, description: "expected net revenue of these purchases, reporting currency; null without a Gamma-Gamma model"}
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
