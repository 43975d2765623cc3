/* model
description: >
  The path of each end whose type the setting path_ends lists: every step of the full path, and which of these steps
  the effective path and the stack path keep. The path of an end without a head consists of the end alone.
grain: [end_event_id, step_no]
partition: dt
detail: true
reads: {core.events: ceil(head_lookback_hours / 24) + 1}
columns:
  end_event_id: {type: VARCHAR, description: event_id of the end that the path leads to}
  step_no: {type: INTEGER, description: "number of the step in the full path, from 1"}
  event_id: {type: VARCHAR, description: event_id of the step}
  role: {type: VARCHAR, description: "head, click or end"}
  device_time: {type: TIMESTAMP, description: "time by the device's own clock, UTC"}
  occurred_at: {type: TIMESTAMP, description: "time of the step, UTC"}
  page_id: {type: BIGINT, description: "PageId, as in core.events"}
  page_type: {type: VARCHAR, description: kind of page}
  module: {type: VARCHAR, description: module on the page}
  slot: {type: INTEGER, description: "position in the module, from 1"}
  sku: {type: VARCHAR, description: product or variant shown}
  effective_step_no: {type: INTEGER, description: number of the step in the effective path; null = superseded by a later step on the same page}
  stack_step_no: {type: INTEGER, description: "number of the step in the stack path; null = superseded, or backtracked"}
  is_backtracked: {type: BOOLEAN, description: true if a later step has a smaller PageId; always false for the head}
  is_truncated: {type: BOOLEAN, description: "true if the path had more than max_path_steps steps, so its oldest clicks were dropped"}
  entrance_id: {type: VARCHAR, description: entrance of the end}
  dt: {type: DATE, description: business day of the end}
*/
WITH ends AS (
    SELECT
        ends.event_id,
        ends.end_type,
        ends.rule,
        ends.device_id,
        events.device_time,
        ends.occurred_at,
        ends.page_id,
        events.event_rank,
        ends.page_type,
        ends.module,
        ends.slot,
        ends.sku,
        ends.entrance_id,
        ends.dt
    FROM attribution.attributed_events AS ends
    INNER JOIN core.events AS events
        ON
            events.event_id = ends.event_id
            AND events.dt = ends.dt
    WHERE
        ends.dt BETWEEN $from_dt AND $to_dt
        AND events.dt BETWEEN $from_dt AND $to_dt
        AND ends.end_type IN ($path_ends)
        AND events.event_type IN ($path_ends)
),

ends_with_head AS (
    SELECT * FROM ends WHERE rule = 'head'
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
        entrance_id IS NOT NULL AS is_head,
        dt
    FROM core.events
    WHERE
        dt BETWEEN $from_dt - (CEIL($head_lookback_hours / 24) + 1) AND $to_dt
        AND event_type = 'click'
),

-- A path may have clicks of the end's day and of the days before it, so each click is copied to every such day.
clicks_seen AS (
    SELECT
        clicks.* EXCLUDE (dt),
        CAST(clicks.dt + days_ahead.n * INTERVAL '1' DAY AS DATE) AS dt
    FROM clicks
    CROSS JOIN UNNEST(GENERATE_SERIES(0, CEIL($head_lookback_hours / 24) + 1, 1)) AS days_ahead(n)
),

-- For each device and day with ends: the clicks that their paths may have, and the ends that are not clicks.
timeline AS (
    SELECT
        event_id,
        device_id,
        device_time,
        page_id,
        event_rank,
        dt,
        TRUE AS is_click,
        CASE WHEN is_head THEN event_id END AS head_event_id
    FROM clicks_seen
    SEMI JOIN ends_with_head USING (device_id, dt)
    UNION ALL
    SELECT
        event_id,
        device_id,
        device_time,
        page_id,
        event_rank,
        dt,
        FALSE AS is_click,
        CAST(NULL AS VARCHAR) AS head_event_id
    FROM ends_with_head
    WHERE end_type <> 'click'
),

-- A visit is a head and all events after it until the next head.
visits AS (
    SELECT
        timeline.* EXCLUDE (head_event_id),
        LAST_VALUE(head_event_id IGNORE NULLS) OVER (
            PARTITION BY device_id, dt
            ORDER BY device_time, page_id, event_rank, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS head_event_id
    FROM timeline
),

-- The head is click 0 of its visit.
numbered AS (
    SELECT
        event_id,
        dt,
        head_event_id,
        is_click,
        COUNT(CASE WHEN is_click THEN 1 END) OVER (
            PARTITION BY head_event_id, dt
            ORDER BY device_time, page_id, event_rank, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) - 1 AS click_no
    FROM visits
    WHERE head_event_id IS NOT NULL
),

-- A path has at most max_path_steps steps, with head and end; of the clicks between these, the last ones are kept.
paths AS (
    SELECT
        ends.event_id AS end_event_id,
        ends.entrance_id,
        numbered.head_event_id,
        numbered.click_no - CASE ends.end_type WHEN 'click' THEN 1 ELSE 0 END AS clicks_between,
        ends.dt
    FROM ends_with_head AS ends
    INNER JOIN numbered USING (event_id, dt)
),

cut_paths AS (
    SELECT
        paths.*,
        LEAST(clicks_between, $max_path_steps - 2) AS clicks_kept,
        clicks_between > $max_path_steps - 2 AS is_truncated
    FROM paths
),

-- Step 1 is the head. In a path that is not cut, step n + 1 is click n of the visit.
path_clicks AS (
    SELECT
        cut_paths.*,
        CAST(series.n + 1 AS INTEGER) AS step_no,
        CASE series.n WHEN 0 THEN 0 ELSE clicks_between - clicks_kept + series.n END AS click_no
    FROM cut_paths
    CROSS JOIN UNNEST(GENERATE_SERIES(0, clicks_kept, 1)) AS series(n)
),

full_paths AS (
    SELECT
        path_clicks.end_event_id,
        path_clicks.step_no,
        clicks.event_id,
        CASE path_clicks.step_no WHEN 1 THEN 'head' ELSE 'click' END AS role,
        clicks.device_time,
        clicks.occurred_at,
        clicks.page_id,
        clicks.page_type,
        clicks.module,
        clicks.slot,
        clicks.sku,
        path_clicks.is_truncated,
        path_clicks.entrance_id,
        path_clicks.dt
    FROM path_clicks
    INNER JOIN numbered
        ON
            numbered.head_event_id = path_clicks.head_event_id
            AND numbered.dt = path_clicks.dt
            AND numbered.click_no = path_clicks.click_no
            AND numbered.is_click
    INNER JOIN clicks ON clicks.event_id = numbered.event_id
    UNION ALL
    SELECT
        ends.event_id AS end_event_id,
        CAST(COALESCE(cut_paths.clicks_kept + 2, 1) AS INTEGER) AS step_no,
        ends.event_id,
        'end' AS role,
        ends.device_time,
        ends.occurred_at,
        ends.page_id,
        ends.page_type,
        ends.module,
        ends.slot,
        ends.sku,
        COALESCE(cut_paths.is_truncated, FALSE) AS is_truncated,
        ends.entrance_id,
        ends.dt
    FROM ends
    LEFT JOIN cut_paths ON cut_paths.end_event_id = ends.event_id
),

-- Superseded: a later step is on the same page. Backtracked: a later step has a smaller PageId.
judged AS (
    SELECT
        full_paths.*,
        role <> 'head'
        AND step_no < MAX(step_no) OVER (PARTITION BY end_event_id, page_id) AS is_superseded,
        role <> 'head'
        AND COALESCE(
            MIN(page_id) OVER (
                PARTITION BY end_event_id
                ORDER BY step_no
                ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) < page_id,
            FALSE
        ) AS is_backtracked
    FROM full_paths
)

SELECT
    judged.* EXCLUDE (is_superseded),
    CASE
        WHEN NOT is_superseded THEN CAST(COUNT(CASE WHEN NOT is_superseded THEN 1 END) OVER so_far AS INTEGER)
    END AS effective_step_no,
    CASE
        WHEN NOT is_superseded AND NOT is_backtracked
            THEN CAST(COUNT(CASE WHEN NOT is_superseded AND NOT is_backtracked THEN 1 END) OVER so_far AS INTEGER)
    END AS stack_step_no
FROM judged
WINDOW so_far AS (
    PARTITION BY end_event_id
    ORDER BY step_no
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
)
