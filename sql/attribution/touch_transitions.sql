/* model
description: >
  The steps of the paths of attribution.touch_path_daily as a Markov chain: how many paths went from one state to the
  next. A state is the path's last touchpoints, as many as touch.markov_order in the settings says. Sum the rows whose
  dt and counted_dt are within a span of days. Paths without touches are left out.
grain: [dt, touchpoint_type, person_group, counted_dt, from_state, to_state]
partition: dt
columns:
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  person_group: {type: INTEGER, description: as in attribution.touch_path_daily}
  counted_dt: {type: DATE, description: as in attribution.touch_path_daily}
  from_state: {type: VARCHAR, description: "touchpoints joined by ' > ', or '(start)'"}
  to_state: {type: VARCHAR, description: "touchpoints joined by ' > ', '(conversion)' or '(null)'"}
  paths: {type: BIGINT, description: "paths that took the step, minus those that are taken back; a path that takes it twice counts twice"}
  dt: {type: DATE, description: as in attribution.touch_path_daily}
*/
WITH paths AS (
    SELECT
        dt,
        touchpoint_type,
        person_group,
        counted_dt,
        touchpoints,
        path_length,
        SUM(orders) AS orders,
        SUM(non_conversions) AS non_conversions
    FROM attribution.touch_path_daily
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND path_length > 0
    GROUP BY dt, touchpoint_type, person_group, counted_dt, touchpoints, path_length
),

-- The place after the last touchpoint stands for how the path ended.
places AS (
    SELECT
        paths.*,
        places.n,
        CASE WHEN places.n <= path_length THEN SPLIT_PART(touchpoints, ' > ', places.n) END AS here,
        CASE WHEN places.n > 1 THEN SPLIT_PART(touchpoints, ' > ', places.n - 1) END AS before_1,
        CASE WHEN places.n > 2 THEN SPLIT_PART(touchpoints, ' > ', places.n - 2) || ' > ' ELSE '' END AS before_2,
        CASE WHEN places.n > 3 THEN SPLIT_PART(touchpoints, ' > ', places.n - 3) || ' > ' ELSE '' END AS before_3
    FROM paths
    CROSS JOIN UNNEST(GENERATE_SERIES(1, path_length + 1, 1)) AS places(n)
),

states AS (
    SELECT
        places.*,
        CASE
            WHEN $touch_markov_order = 3 THEN before_3 || before_2 || before_1
            WHEN $touch_markov_order = 2 THEN before_2 || before_1
            ELSE before_1
        END AS state_before,
        CASE
            WHEN $touch_markov_order = 3 THEN before_2 || COALESCE(before_1 || ' > ', '') || here
            WHEN $touch_markov_order = 2 THEN COALESCE(before_1 || ' > ', '') || here
            ELSE here
        END AS state
    FROM places
),

steps AS (
    SELECT
        dt,
        touchpoint_type,
        person_group,
        counted_dt,
        COALESCE(state_before, '(start)') AS from_state,
        COALESCE(state, '(conversion)') AS to_state,
        CASE WHEN state IS NULL THEN orders ELSE orders + non_conversions END AS paths
    FROM states
    UNION ALL
    SELECT
        dt,
        touchpoint_type,
        person_group,
        counted_dt,
        state_before AS from_state,
        '(null)' AS to_state,
        non_conversions AS paths
    FROM states
    WHERE state IS NULL
)

SELECT
    dt,
    touchpoint_type,
    person_group,
    counted_dt,
    from_state,
    to_state,
    CAST(SUM(paths) AS BIGINT) AS paths
FROM steps
GROUP BY dt, touchpoint_type, person_group, counted_dt, from_state, to_state
HAVING SUM(paths) <> 0
