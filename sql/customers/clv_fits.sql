/* model
description: >
  The models of lifetime value fitted to the customers as of the end of the month: BG/NBD (how often, and whether still) and
  Gamma-Gamma (for how much), by maximum likelihood, time in days.
grain: [dt]
partition: dt
as_of: month_end
python: pipelines.clv.tables:fits
columns:
  dt: {type: DATE, description: end of the month}
  customers: {type: BIGINT, description: customers that BG/NBD is fitted to}
  r: {type: DOUBLE, description: "BG/NBD: shape of the rates of purchase"}
  alpha: {type: DOUBLE, description: "BG/NBD: r / alpha purchases a day is the mean rate"}
  a: {type: DOUBLE, description: "BG/NBD: a / (a + b) is the mean probability to leave after a purchase"}
  b: {type: DOUBLE, description: "BG/NBD: see a"}
  orders_log_likelihood: {type: DOUBLE, description: "BG/NBD: natural logarithm, all customers together"}
  orders_not_fitted: {type: VARCHAR, description: why there is no BG/NBD model; null if there is}
  valued_customers: {type: BIGINT, description: customers that Gamma-Gamma is fitted to}
  p: {type: DOUBLE, description: "Gamma-Gamma: shape of a customer's values"}
  q: {type: DOUBLE, description: "Gamma-Gamma: shape of the customers' scales"}
  gamma: {type: DOUBLE, description: "Gamma-Gamma: their scale; gamma · p / (q − 1) is the mean value"}
  values_log_likelihood: {type: DOUBLE, description: "Gamma-Gamma: natural logarithm, all these customers together"}
  values_not_fitted: {type: VARCHAR, description: why there is no Gamma-Gamma model; null if there is}
*/
SELECT
    dt,
    frequency,
    recency_days,
    age_days,
    mean_value
FROM customers.clv_inputs
WHERE dt = $dt
