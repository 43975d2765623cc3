/* model
description: >
  The effect of each touchpoint in the models that learn from paths, over the touch.effects_days days that end with dt,
  with the uncertainty of the estimate. markov: the removal effect. shapley: orders, each divided evenly among the
  distinct touchpoints of its path. shapley_rate: the touchpoint's Shapley value in the share of paths that end with an
  order; the values sum to the share over all paths.
grain: [dt, touchpoint_type, model, touchpoint]
partition: dt
as_of: true
reads:
  attribution.touch_path_daily: touch_effects_days - 1
  attribution.touch_transitions: touch_effects_days - 1
python: pipelines.touch.tables:model_effects
columns:
  dt: {type: DATE, description: last of the days}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  model: {type: VARCHAR, description: "markov, shapley or shapley_rate"}
  touchpoint: {type: VARCHAR, description: as in attribution.touches}
  effect: {type: DOUBLE, description: "as the model defines it; null = no orders"}
  share: {type: DOUBLE, description: effect / Σ effects of the model and touchpoint_type}
  standard_error: {type: DOUBLE, description: "standard error of effect; null = not estimated"}
  low: {type: DOUBLE, description: lower end of the 95 % interval of effect}
  high: {type: DOUBLE, description: upper end of the 95 % interval of effect}
  orders_touched: {type: BIGINT, description: paid orders with the touchpoint in the path}
  paths: {type: BIGINT, description: "paths with the touchpoint, with and without an order"}
  is_small_sample: {type: BOOLEAN, description: true if paths is below 30}
*/
SELECT
    $dt AS dt,
    touchpoint_type,
    'transition' AS kind,
    person_group,
    from_state,
    to_state,
    NULL AS touchpoints,
    CAST(SUM(paths) AS BIGINT) AS paths,
    0 AS orders,
    0 AS non_conversions
FROM attribution.touch_transitions
WHERE
    dt BETWEEN $dt - ($touch_effects_days - 1) AND $dt
    AND DATE_DIFF('day', counted_dt, $dt) < $touch_effects_days
GROUP BY touchpoint_type, person_group, from_state, to_state
HAVING SUM(paths) <> 0
UNION ALL
SELECT
    $dt AS dt,
    touchpoint_type,
    'path' AS kind,
    person_group,
    NULL AS from_state,
    NULL AS to_state,
    touchpoints,
    0 AS paths,
    CAST(SUM(orders) AS BIGINT) AS orders,
    CAST(SUM(non_conversions) AS BIGINT) AS non_conversions
FROM attribution.touch_path_daily
WHERE
    dt BETWEEN $dt - ($touch_effects_days - 1) AND $dt
    AND DATE_DIFF('day', counted_dt, $dt) < $touch_effects_days
    AND path_length > 0
GROUP BY touchpoint_type, person_group, touchpoints
HAVING
    SUM(orders) <> 0
    OR SUM(non_conversions) <> 0
