-- Retention: which new visitors came back, by day, week or month after their first visit.

-- query new: New visitors by the period of their first visit, and by where they came from.
SELECT CAST(date_trunc($unit, dt) AS DATE) AS cohort,
    CASE $by WHEN 'entrance' THEN entrance_id WHEN 'channel' THEN channel ELSE '' END AS part,
    METRICS(new_visitors)
FROM core.first_visits WHERE dt BETWEEN $first AND $last
GROUP BY 1, 2 ORDER BY 1, 2;

-- query returned: How many new visitors came in the n-th day, week or month after that of their first visit, n from 1 to $most.
WITH new AS (
    SELECT person_id, dt, CAST(date_trunc($unit, dt) AS DATE) AS cohort,
        CASE $by WHEN 'entrance' THEN entrance_id WHEN 'channel' THEN channel ELSE '' END AS part
    FROM core.first_visits WHERE dt BETWEEN $first AND $last
), came AS (
    SELECT DISTINCT new.person_id, new.dt, new.cohort, new.part,
        date_diff($unit, new.cohort, CAST(date_trunc($unit, all_visits.dt) AS DATE)) AS period_no
    FROM new JOIN core.visitors AS all_visits ON all_visits.person_id = new.person_id AND all_visits.dt > new.dt
)
SELECT cohort, part, period_no, count(*) AS returned_visitors
FROM came WHERE period_no BETWEEN 1 AND $most
GROUP BY ALL ORDER BY ALL;
