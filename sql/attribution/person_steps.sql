/* model
description: >
  What each person did on each day, in order of time. Consecutive events of the same kind, position and entrance are one
  row: to tell whether a step of a funnel was done after another one and within some time, the first and the last event
  of such a row suffice.
grain: [dt, person_id, step_no]
partition: dt
detail: true
sorted_by: [person_id, step_no]
columns:
  dt: {type: DATE, description: "business day of the events; of payment for orders"}
  person_id: {type: VARCHAR, description: "as in core.events; for orders the user who ordered"}
  step_no: {type: BIGINT, description: "place among the person's rows of the day, from 1"}
  kind: {type: VARCHAR, description: "page_view; exposure, product_click or add_to_cart: ends, as in attribution.attributed_events; click: any other click; order: a paid order of a known user"}
  page_type: {type: VARCHAR, description: "kind of page, of page views and clicks; null for other kinds"}
  module: {type: VARCHAR, description: "module on the page, of clicks; null for other kinds"}
  entrance_id: {type: VARCHAR, description: "of ends the entrance that gets the credit; of other clicks the entrance on which they occurred, null = on none; null for page views and orders"}
  first_at: {type: TIMESTAMP, description: "time of the first of these events, UTC; of payment for orders"}
  last_at: {type: TIMESTAMP, description: "time of the last of these events, UTC"}
  events: {type: BIGINT, description: number of these events or orders}
*/
WITH ends AS (
    SELECT
        dt,
        person_id,
        CASE WHEN end_type = 'click' THEN 'product_click' ELSE end_type END AS kind,
        CASE WHEN end_type = 'click' THEN page_type END AS page_type,
        CASE WHEN end_type = 'click' THEN module END AS module,
        entrance_id,
        occurred_at
    FROM attribution.attributed_events
    WHERE dt BETWEEN $from_dt AND $to_dt
),

other_events AS (
    SELECT
        dt,
        person_id,
        event_type AS kind,
        page_type,
        CASE WHEN event_type = 'click' THEN module END AS module,
        CASE WHEN event_type = 'click' THEN entrance_id END AS entrance_id,
        occurred_at
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND (
            event_type = 'page_view'
            OR (event_type = 'click' AND (sku IS NULL OR COALESCE(module IN ($action_modules), FALSE)))
        )
),

orders AS (
    SELECT
        dt,
        user_id AS person_id,
        'order' AS kind,
        CAST(NULL AS VARCHAR) AS page_type,
        CAST(NULL AS VARCHAR) AS module,
        CAST(NULL AS VARCHAR) AS entrance_id,
        paid_at AS occurred_at
    FROM core.order_lines
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND user_id IS NOT NULL
    GROUP BY dt, user_id, order_id, paid_at
),

actions AS (
    SELECT ends.*
    FROM ends
    UNION ALL
    SELECT other_events.*
    FROM other_events
    UNION ALL
    SELECT orders.*
    FROM orders
),

-- The order of a person's events on a day. The last event of the day tells where the last step ends.
beside_previous AS (
    SELECT
        actions.*,
        LAG(kind) OVER by_time AS kind_before,
        LAG(page_type) OVER by_time AS page_type_before,
        LAG(module) OVER by_time AS module_before,
        LAG(entrance_id) OVER by_time AS entrance_before,
        LAG(occurred_at) OVER by_time AS occurred_before,
        ROW_NUMBER() OVER by_time AS event_no,
        COUNT(*) OVER whole_day AS events_of_day,
        LAST_VALUE(occurred_at) OVER whole_day AS last_of_day
    FROM actions
    WINDOW
        by_time AS (PARTITION BY dt, person_id ORDER BY occurred_at, kind, page_type, module, entrance_id),
        whole_day AS (
            PARTITION BY dt, person_id
            ORDER BY occurred_at, kind, page_type, module, entrance_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
),

-- Only the first event of each step, so that the second window has fewer rows.
firsts AS (
    SELECT
        dt,
        person_id,
        kind,
        page_type,
        module,
        entrance_id,
        occurred_at,
        occurred_before,
        event_no,
        events_of_day,
        last_of_day
    FROM beside_previous
    WHERE
        kind IS DISTINCT FROM kind_before
        OR page_type IS DISTINCT FROM page_type_before
        OR module IS DISTINCT FROM module_before
        OR entrance_id IS DISTINCT FROM entrance_before
)

SELECT
    dt,
    person_id,
    CAST(ROW_NUMBER() OVER by_number AS BIGINT) AS step_no,
    kind,
    page_type,
    module,
    entrance_id,
    occurred_at AS first_at,
    COALESCE(LEAD(occurred_before) OVER by_number, last_of_day) AS last_at,
    CAST(COALESCE(LEAD(event_no) OVER by_number, events_of_day + 1) - event_no AS BIGINT) AS events
FROM firsts
WINDOW by_number AS (PARTITION BY dt, person_id ORDER BY event_no)
