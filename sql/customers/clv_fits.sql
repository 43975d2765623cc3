/* model
description: >
  The models of customer lifetime value, fitted by maximum likelihood to the customers as of the end of the month:
  BG/NBD (how often a customer buys, and whether the customer is still active) and Gamma-Gamma (the value of a
  purchase). The unit of time is a day.
grain: [dt]
partition: dt
as_of: month_end
python: pipelines.clv.tables:fits
columns:
  dt: {type: DATE, description: last day of the month}
  customers: {type: BIGINT, description: customers that BG/NBD is fitted to}
  r: {type: DOUBLE, description: "BG/NBD: shape of the distribution of purchase rates"}
  alpha: {type: DOUBLE, description: "BG/NBD: scale of that distribution in days; the mean rate is r / alpha purchases a day"}
  a: {type: DOUBLE, description: "BG/NBD: the mean probability of leaving after a purchase is a / (a + b)"}
  b: {type: DOUBLE, description: "BG/NBD: see a"}
  orders_log_likelihood: {type: DOUBLE, description: "BG/NBD: natural logarithm of the likelihood of all customers together"}
  orders_not_fitted: {type: VARCHAR, description: why there is no BG/NBD model; null if there is one}
  valued_customers: {type: BIGINT, description: customers that Gamma-Gamma is fitted to}
  p: {type: DOUBLE, description: "Gamma-Gamma: shape of the distribution of one customer's purchase values"}
  q: {type: DOUBLE, description: "Gamma-Gamma: shape of the distribution of the customers' scales"}
  gamma: {type: DOUBLE, description: "Gamma-Gamma: scale of that distribution, reporting currency; the mean value is gamma · p / (q − 1)"}
  values_log_likelihood: {type: DOUBLE, description: "Gamma-Gamma: natural logarithm of the likelihood of all these customers together"}
  values_not_fitted: {type: VARCHAR, description: why there is no Gamma-Gamma model; null if there is one}
*/
SELECT
    dt,
    frequency,
    recency_days,
    age_days,
    mean_value
FROM customers.clv_inputs
WHERE dt = $dt
