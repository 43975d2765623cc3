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

places AS (
    SELECT
        paths.*,
        places.n,
        SPLIT_PART(touchpoints, ' > ', places.n) AS touchpoint
    FROM paths
    CROSS JOIN UNNEST(GENERATE_SERIES(1, path_length, 1)) AS places(n)
),

behind AS (
    SELECT
        places.*,
        LAG(touchpoint) OVER path AS behind_1,
        LAG(touchpoint, 2) OVER path AS behind_2
    FROM places
    WINDOW path AS (PARTITION BY dt, touchpoint_type, person_group, counted_dt, touchpoints ORDER BY n)
),

states AS (
    SELECT
        behind.*,
        CASE
            WHEN $touch_markov_order >= 3 THEN COALESCE(behind_2 || ' > ', '') || COALESCE(behind_1 || ' > ', '')
            WHEN $touch_markov_order = 2 THEN COALESCE(behind_1 || ' > ', '')
            ELSE ''
        END || touchpoint AS state
    FROM behind
),

steps AS (
    SELECT
        dt,
        touchpoint_type,
        person_group,
        counted_dt,
        COALESCE(LAG(state) OVER (
            PARTITION BY dt, touchpoint_type, person_group, counted_dt, touchpoints
            ORDER BY n
        ), '(start)') AS from_state,
        state AS to_state,
        orders + non_conversions AS paths
    FROM states
    UNION ALL
    SELECT
        dt,
        touchpoint_type,
        person_group,
        counted_dt,
        state AS from_state,
        '(conversion)' AS to_state,
        orders AS paths
    FROM states
    WHERE n = path_length
    UNION ALL
    SELECT
        dt,
        touchpoint_type,
        person_group,
        counted_dt,
        state AS from_state,
        '(null)' AS to_state,
        non_conversions AS paths
    FROM states
    WHERE n = path_length
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
