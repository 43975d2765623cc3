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
        CAST(SUM(orders) AS BIGINT) AS orders,
        CAST(SUM(non_conversions) AS BIGINT) AS non_conversions
    FROM attribution.touch_path_daily
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND path_length > 0
    GROUP BY dt, touchpoint_type, person_group, counted_dt, touchpoints
),

-- Many paths have the same text, which is split once. Without this step before UNNEST, DuckDB would copy the text to each
-- of its touchpoints, which for the path of a robot does not fit into memory.
texts AS (
    SELECT
        touchpoints,
        STRING_SPLIT(touchpoints, ' > ') AS touchpoint_list,
        ROW_NUMBER() OVER (ORDER BY touchpoints) AS text_no
    FROM (SELECT DISTINCT touchpoints FROM paths) AS known
),

places AS (
    SELECT
        texts.text_no,
        names.touchpoint,
        ROW_NUMBER() OVER (PARTITION BY text_no ORDER BY names.n) AS place
    FROM texts
    CROSS JOIN UNNEST(texts.touchpoint_list) WITH ORDINALITY AS names(touchpoint, n)
),

touches AS (
    SELECT
        places.*,
        LAG(touchpoint, 1) OVER path AS before_1,
        LAG(touchpoint, 2) OVER path AS before_2,
        LAG(touchpoint, 3) OVER path AS before_3,
        LEAD(touchpoint, 1) OVER path AS next_1
    FROM places
    WINDOW path AS (PARTITION BY text_no ORDER BY place)
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
        text_no,
        COALESCE(state_before, '(start)') AS from_state,
        state AS to_state,
        1 AS is_order,
        1 AS is_non_conversion
    FROM states
    UNION ALL
    SELECT
        text_no,
        state AS from_state,
        '(conversion)' AS to_state,
        1 AS is_order,
        0 AS is_non_conversion
    FROM states
    WHERE next_1 IS NULL
    UNION ALL
    SELECT
        text_no,
        state AS from_state,
        '(null)' AS to_state,
        0 AS is_order,
        1 AS is_non_conversion
    FROM states
    WHERE next_1 IS NULL
),

counted AS (
    SELECT
        paths.*,
        texts.text_no
    FROM paths
    INNER JOIN texts USING (touchpoints)
)

SELECT
    counted.dt,
    counted.touchpoint_type,
    counted.person_group,
    counted.counted_dt,
    steps.from_state,
    steps.to_state,
    CAST(SUM(counted.orders * steps.is_order + counted.non_conversions * steps.is_non_conversion) AS BIGINT) AS paths
FROM counted
INNER JOIN steps USING (text_no)
GROUP BY
    counted.dt, counted.touchpoint_type, counted.person_group, counted.counted_dt, steps.from_state, steps.to_state
HAVING SUM(counted.orders * steps.is_order + counted.non_conversions * steps.is_non_conversion) <> 0
