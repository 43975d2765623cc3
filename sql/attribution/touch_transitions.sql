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
        SUM(orders) AS orders,
        SUM(non_conversions) AS non_conversions
    FROM attribution.touch_path_daily
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND path_length > 0
    GROUP BY dt, touchpoint_type, person_group, counted_dt, touchpoints
),

numbered AS (
    SELECT
        paths.*,
        ROW_NUMBER() OVER (ORDER BY dt, touchpoint_type, person_group, counted_dt, touchpoints) AS path_no
    FROM paths
),

-- Each text is split once: to search it for one place after another takes minutes for the path of a robot.
places AS (
    SELECT
        numbered.* EXCLUDE (touchpoints),
        names.touchpoint,
        ROW_NUMBER() OVER (PARTITION BY path_no ORDER BY names.n) AS place
    FROM numbered
    CROSS JOIN UNNEST(STRING_SPLIT(touchpoints, ' > ')) WITH ORDINALITY AS names(touchpoint, n)
),

touches AS (
    SELECT
        places.*,
        LAG(touchpoint, 1) OVER path AS before_1,
        LAG(touchpoint, 2) OVER path AS before_2,
        LAG(touchpoint, 3) OVER path AS before_3,
        LEAD(touchpoint, 1) OVER path AS next_1
    FROM places
    WINDOW path AS (PARTITION BY path_no ORDER BY place)
),

joined AS (
    SELECT
        touches.*,
        COALESCE(before_1 || ' > ', '') || touchpoint AS state_2,
        COALESCE(before_2 || ' > ', '') || before_1 AS state_2_before
    FROM touches
),

states AS (
    SELECT
        joined.*,
        CASE $touch_markov_order
            WHEN 3 THEN COALESCE(before_3 || ' > ', '') || state_2_before
            WHEN 2 THEN state_2_before
            ELSE before_1
        END AS state_before,
        CASE $touch_markov_order
            WHEN 3 THEN COALESCE(before_2 || ' > ', '') || state_2
            WHEN 2 THEN state_2
            ELSE touchpoint
        END AS state
    FROM joined
),

steps AS (
    SELECT
        dt,
        touchpoint_type,
        person_group,
        counted_dt,
        COALESCE(state_before, '(start)') AS from_state,
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
    WHERE next_1 IS NULL
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
    WHERE next_1 IS NULL
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
