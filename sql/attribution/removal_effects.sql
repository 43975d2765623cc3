/* model
description: >
  The removal effect of each touchpoint: the share of the orders that would be lost if every path ended where it
  reaches the touchpoint, in the Markov chain of the touch.effects_days days that end with dt.
grain: [dt, touchpoint_type, touchpoint]
partition: dt
reads: {attribution.touch_transitions: touch_effects_days - 1}
python: pipelines.touch.tables:removal_effects
columns:
  dt: {type: DATE, description: last of the days}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  touchpoint: {type: VARCHAR, description: as in attribution.touches}
  removal_effect: {type: DOUBLE, description: "1 − probability of an order without the touchpoint / probability of an order; null = no orders"}
*/
WITH days AS (
    SELECT CAST(known.dt AS DATE) AS dt
    FROM UNNEST(GENERATE_SERIES($from_dt, $to_dt, INTERVAL 1 DAY)) AS known(dt)
),

counted AS (
    SELECT
        dt,
        touchpoint_type,
        counted_dt,
        from_state,
        to_state,
        SUM(paths) AS paths
    FROM attribution.touch_transitions
    WHERE dt BETWEEN $from_dt - ($touch_effects_days - 1) AND $to_dt
    GROUP BY dt, touchpoint_type, counted_dt, from_state, to_state
)

SELECT
    days.dt,
    counted.touchpoint_type,
    counted.from_state,
    counted.to_state,
    CAST(SUM(counted.paths) AS BIGINT) AS paths
FROM days
INNER JOIN counted
    ON
        counted.dt <= days.dt
        AND DATE_DIFF('day', counted.counted_dt, days.dt) < $touch_effects_days
GROUP BY days.dt, counted.touchpoint_type, counted.from_state, counted.to_state
HAVING SUM(counted.paths) <> 0
