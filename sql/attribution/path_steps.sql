/* model
description: >
  The path of each end of a type in path_ends: the full path step by step, and which steps the effective path and the
  stack path keep. An end without a head is its own whole path.
grain: [end_event_id, step_no]
partition: dt
reads: {core.events: ceil(head_lookback_hours / 24) + 1}
columns:
  end_event_id: {type: VARCHAR, description: the end whose path it is}
  step_no: {type: INTEGER, description: number of the step from 1}
  event_id: {type: VARCHAR, description: event of the step}
  role: {type: VARCHAR, description: "head, click or end"}
  device_time: {type: TIMESTAMP, description: "the device's own clock, UTC"}
  occurred_at: {type: TIMESTAMP, description: "when, UTC"}
  page_id: {type: BIGINT, description: PageId}
  page_type: {type: VARCHAR, description: kind of page}
  module: {type: VARCHAR, description: module on the page}
  slot: {type: INTEGER, description: position in the module}
  sku: {type: VARCHAR, description: product}
  effective_step_no: {type: INTEGER, description: number in the effective path; null = superseded by a later step of the same page}
  stack_step_no: {type: INTEGER, description: number in the stack path; null = superseded or backtracked}
  is_backtracked: {type: BOOLEAN, description: a later step has a smaller PageId; never true of the head}
  is_truncated: {type: BOOLEAN, description: the path had more than max_path_steps and lost its oldest clicks}
  entrance_id: {type: VARCHAR, description: entrance of the end}
  dt: {type: DATE, description: business day of the end}
*/
WITH path_ends AS (
    SELECT
        event_id,
        rule,
        entrance_id,
        head_event_id,
        dt
    FROM attribution.attributed_events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND end_type IN ($path_ends)
),

ends AS (
    SELECT
        events.event_id,
        events.event_type,
        events.device_id,
        events.device_time,
        events.occurred_at,
        events.page_id,
        events.event_rank,
        events.page_type,
        events.module,
        events.slot,
        events.sku,
        path_ends.rule,
        path_ends.entrance_id,
        path_ends.head_event_id,
        path_ends.dt
    FROM path_ends
    INNER JOIN core.events AS events
        ON
            events.event_id = path_ends.event_id
            AND events.dt = path_ends.dt
    WHERE
        events.dt BETWEEN $from_dt AND $to_dt
        AND events.event_type IN ($path_ends)
),

clicks AS (
    SELECT
        event_id,
        device_id,
        device_time,
        occurred_at,
        page_id,
        event_rank,
        page_type,
        module,
        slot,
        sku,
        entrance_id,
        dt
    FROM core.events
    WHERE
        dt BETWEEN $from_dt - (CEIL($head_lookback_hours / 24) + 1) AND $to_dt
        AND event_type = 'click'
),

days_ahead AS (
    SELECT n
    FROM UNNEST(GENERATE_SERIES(0, CEIL($head_lookback_hours / 24) + 1, 1)) AS series(n)
),

device_days AS (
    SELECT DISTINCT
        device_id,
        dt
    FROM ends
    WHERE rule = 'head'
),

clicks_ahead AS (
    SELECT
        clicks.event_id,
        clicks.device_id,
        clicks.device_time,
        clicks.page_id,
        clicks.event_rank,
        clicks.entrance_id,
        CAST(clicks.dt + days_ahead.n * INTERVAL '1' DAY AS DATE) AS dt
    FROM clicks
    CROSS JOIN days_ahead
),

-- The clicks that a device's ends of a day see, and those ends that are no clicks.
timeline AS (
    SELECT
        clicks_ahead.event_id,
        clicks_ahead.device_id,
        clicks_ahead.device_time,
        clicks_ahead.page_id,
        clicks_ahead.event_rank,
        clicks_ahead.dt,
        1 AS is_click,
        CASE WHEN clicks_ahead.entrance_id IS NOT NULL THEN clicks_ahead.event_id END AS head_event_id
    FROM clicks_ahead
    INNER JOIN device_days
        ON
            device_days.device_id = clicks_ahead.device_id
            AND device_days.dt = clicks_ahead.dt
    UNION ALL
    SELECT
        event_id,
        device_id,
        device_time,
        page_id,
        event_rank,
        dt,
        0 AS is_click,
        CAST(NULL AS VARCHAR) AS head_event_id
    FROM ends
    WHERE
        rule = 'head'
        AND event_type <> 'click'
),

numbered AS (
    SELECT
        event_id,
        device_id,
        dt,
        is_click,
        LAST_VALUE(head_event_id IGNORE NULLS) OVER (
            PARTITION BY device_id, dt
            ORDER BY device_time, page_id, event_rank, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS head_event_id,
        CAST(SUM(is_click) OVER (
            PARTITION BY device_id, dt
            ORDER BY device_time, page_id, event_rank, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS BIGINT) AS click_no
    FROM timeline
),

head_numbers AS (
    SELECT
        event_id AS head_event_id,
        dt,
        click_no AS head_click_no
    FROM numbered
    WHERE event_id = head_event_id
),

-- The clicks after the head that belong to an end's path are those numbered first_click_no to last_click_no.
spans AS (
    SELECT
        ends.event_id AS end_event_id,
        ends.head_event_id,
        ends.dt,
        GREATEST(
            head_numbers.head_click_no + 1,
            -- The head, the end and these fill max_path_steps.
            numbered.click_no - CASE WHEN ends.event_type = 'click' THEN 1 ELSE 0 END - ($max_path_steps - 2) + 1
        ) AS first_click_no,
        numbered.click_no - CASE WHEN ends.event_type = 'click' THEN 1 ELSE 0 END AS last_click_no,
        numbered.click_no - CASE WHEN ends.event_type = 'click' THEN 1 ELSE 0 END - head_numbers.head_click_no
        > $max_path_steps - 2 AS is_truncated
    FROM ends
    INNER JOIN numbered
        ON
            numbered.event_id = ends.event_id
            AND numbered.dt = ends.dt
    INNER JOIN head_numbers
        ON
            head_numbers.head_event_id = ends.head_event_id
            AND head_numbers.dt = ends.dt
    WHERE ends.rule = 'head'
),

-- A span is at most max_path_steps long, so it lies in two buckets of that width: an equality join finds its clicks
-- without pairing every end of a long visit with every click of it.
span_buckets AS (
    SELECT
        end_event_id,
        head_event_id,
        dt,
        first_click_no,
        last_click_no,
        last_click_no // $max_path_steps AS bucket
    FROM spans
    UNION ALL
    SELECT
        end_event_id,
        head_event_id,
        dt,
        first_click_no,
        last_click_no,
        last_click_no // $max_path_steps - 1 AS bucket
    FROM spans
),

click_buckets AS (
    SELECT
        event_id,
        head_event_id,
        dt,
        click_no,
        click_no // $max_path_steps AS bucket
    FROM numbered
    WHERE
        is_click = 1
        AND event_id <> head_event_id
),

step_events AS (
    SELECT
        end_event_id,
        dt,
        head_event_id AS event_id,
        'head' AS role,
        CAST(0 AS BIGINT) AS position
    FROM spans
    UNION ALL
    SELECT
        span_buckets.end_event_id,
        span_buckets.dt,
        click_buckets.event_id,
        'click' AS role,
        click_buckets.click_no AS position
    FROM span_buckets
    INNER JOIN click_buckets
        ON
            click_buckets.head_event_id = span_buckets.head_event_id
            AND click_buckets.dt = span_buckets.dt
            AND click_buckets.bucket = span_buckets.bucket
    WHERE click_buckets.click_no BETWEEN span_buckets.first_click_no AND span_buckets.last_click_no
),

steps AS (
    SELECT
        step_events.end_event_id,
        step_events.event_id,
        step_events.role,
        step_events.position,
        clicks.device_time,
        clicks.occurred_at,
        clicks.page_id,
        clicks.page_type,
        clicks.module,
        clicks.slot,
        clicks.sku,
        step_events.dt
    FROM step_events
    INNER JOIN clicks ON clicks.event_id = step_events.event_id
    UNION ALL
    SELECT
        event_id AS end_event_id,
        event_id,
        'end' AS role,
        CAST(9223372036854775807 AS BIGINT) AS position,
        device_time,
        occurred_at,
        page_id,
        page_type,
        module,
        slot,
        sku,
        dt
    FROM ends
),

judged AS (
    SELECT
        end_event_id,
        event_id,
        role,
        device_time,
        occurred_at,
        page_id,
        page_type,
        module,
        slot,
        sku,
        dt,
        ROW_NUMBER() OVER (PARTITION BY end_event_id ORDER BY position) AS step_no,
        role <> 'head'
        AND LEAD(event_id) OVER (PARTITION BY end_event_id, page_id ORDER BY position) IS NOT NULL AS is_superseded,
        role <> 'head'
        AND COALESCE(
            MIN(page_id) OVER (
                PARTITION BY end_event_id
                ORDER BY position
                ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) < page_id,
            FALSE
        ) AS is_backtracked
    FROM steps
),

counted AS (
    SELECT
        end_event_id,
        step_no,
        event_id,
        role,
        device_time,
        occurred_at,
        page_id,
        page_type,
        module,
        slot,
        sku,
        is_superseded,
        is_backtracked,
        SUM(CASE WHEN is_superseded THEN 0 ELSE 1 END) OVER (
            PARTITION BY end_event_id
            ORDER BY step_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS effective_count,
        SUM(CASE WHEN is_superseded OR is_backtracked THEN 0 ELSE 1 END) OVER (
            PARTITION BY end_event_id
            ORDER BY step_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS stack_count,
        dt
    FROM judged
)

SELECT
    counted.end_event_id,
    CAST(counted.step_no AS INTEGER) AS step_no,
    counted.event_id,
    counted.role,
    counted.device_time,
    counted.occurred_at,
    counted.page_id,
    counted.page_type,
    counted.module,
    counted.slot,
    counted.sku,
    CASE WHEN NOT counted.is_superseded THEN CAST(counted.effective_count AS INTEGER) END AS effective_step_no,
    CASE
        WHEN NOT counted.is_superseded AND NOT counted.is_backtracked THEN CAST(counted.stack_count AS INTEGER)
    END AS stack_step_no,
    counted.is_backtracked,
    COALESCE(spans.is_truncated, FALSE) AS is_truncated,
    path_ends.entrance_id,
    counted.dt
FROM counted
INNER JOIN path_ends ON path_ends.event_id = counted.end_event_id
LEFT JOIN spans ON spans.end_event_id = counted.end_event_id
