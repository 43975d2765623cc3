/* model
description: >
  Who saw which variant of an A/B test on each day, and how often it was seen and clicked. The content_id of an event
  names the test and the variant: the setting experiments.pattern says how. A person may have several variants of a
  test here; the queries of the page Experiments count these persons apart.
grain: [dt, person_id, experiment, variant]
partition: dt
detail: true
sorted_by: [experiment, person_id]
columns:
  dt: {type: DATE, description: business day of the events}
  person_id: {type: VARCHAR, description: as in core.events; a person who never logs in counts once on each device}
  experiment: {type: VARCHAR, description: "name of the test, the group experiment of the pattern"}
  variant: {type: VARCHAR, description: "name of the variant, the group variant of the pattern"}
  first_at: {type: TIMESTAMP, description: "time of the person's first event of the day that names the variant, UTC"}
  impressions: {type: BIGINT, description: exposure events that name the variant}
  clicks: {type: BIGINT, description: click events that name the variant}
*/
WITH named AS (
    SELECT
        dt,
        person_id,
        REGEXP_EXTRACT(content_id, $experiments_pattern, $experiments_experiment_group) AS experiment,
        REGEXP_EXTRACT(content_id, $experiments_pattern, $experiments_variant_group) AS variant,
        event_type,
        occurred_at
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND content_id IS NOT NULL
)

SELECT
    dt,
    person_id,
    experiment,
    variant,
    MIN(occurred_at) AS first_at,
    COUNT(*) FILTER (WHERE event_type = 'exposure') AS impressions,
    COUNT(*) FILTER (WHERE event_type = 'click') AS clicks
FROM named
WHERE
    experiment <> ''
    AND variant <> ''
GROUP BY dt, person_id, experiment, variant
