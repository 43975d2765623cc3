-- The funnel: what persons did, for the steps that the page's address names.

-- query options: Pages viewed and modules clicked, which can be steps.
SELECT CASE WHEN kind = 'page_view' THEN 'page' ELSE 'module' END AS kind, page_type, coalesce(module, '') AS module,
    sum(events) AS events
FROM attribution.person_steps
WHERE page_type IS NOT NULL AND (kind = 'page_view' OR (kind IN ('product_click', 'click') AND module IS NOT NULL))
GROUP BY ALL ORDER BY kind DESC, events DESC, page_type, module;

-- query hits: The events of the steps; $steps has one step per line.
-- Of consecutive events of a step, only the first and the last are returned.
WITH matched AS (
    SELECT person_id, dt, first_at, last_at, entrance_id,
        list_position(string_split($steps, chr(10)), CASE kind WHEN 'page_view' THEN 'page:' || page_type ELSE kind END)
            AS step_no
    FROM attribution.person_steps WHERE dt BETWEEN $from AND $to
    UNION ALL
    SELECT person_id, dt, first_at, last_at, entrance_id,
        list_position(string_split($steps, chr(10)), 'module:' || page_type || '.' || module)
    FROM attribution.person_steps WHERE dt BETWEEN $from AND $to AND module IS NOT NULL
)
SELECT person_id, dt, first_at AS "at", step_no, coalesce(entrance_id, '(none)') AS entrance_id
FROM matched WHERE step_no > 0
UNION ALL
SELECT person_id, dt, last_at, step_no, coalesce(entrance_id, '(none)')
FROM matched WHERE step_no > 0 AND last_at > first_at;

-- query sessions: The sessions of persons, with their channel.
SELECT person_id, started_at, last_event_at, channel FROM core.sessions WHERE dt BETWEEN $from AND $to
ORDER BY started_at, session_id;

-- query orders: The orders of persons, with the time of the person's last event before the order.
WITH actions AS (
    SELECT person_id, dt, kind, first_at, last_at,
        max(last_at) FILTER (WHERE kind <> 'order') OVER (PARTITION BY person_id ORDER BY first_at) AS active_at
    FROM attribution.person_steps WHERE dt BETWEEN $from - 1 AND $to
), orders AS (
    SELECT person_id, first_at AS "at", active_at FROM actions WHERE kind = 'order' AND dt >= $from
    UNION ALL
    SELECT person_id, last_at, active_at FROM actions WHERE kind = 'order' AND dt >= $from
)
SELECT person_id, "at", max(active_at) AS active_at FROM orders GROUP BY ALL;

-- query new: The days on which persons were new.
SELECT person_id, dt FROM core.first_visits WHERE dt BETWEEN $from AND $to;

-- query visitors: The persons who came on each day.
SELECT * FROM core.visitors WHERE dt BETWEEN $from AND $to;
