/* check
model: attribution.model_daily
severity: error
description: In every model the day's spend by channel, and by campaign, sums to the spend in core.spend. A channel or campaign whose spend is not fully known is excluded.
remedy: Compare attribution.model_daily of that day with core.spend; spend was lost or counted twice.
*/
WITH spend AS (
    SELECT
        dt,
        'channel' AS touchpoint_type,
        channel AS touchpoint,
        cost
    FROM core.spend
    WHERE dt BETWEEN $from_dt AND $to_dt
    UNION ALL
    SELECT
        dt,
        'campaign' AS touchpoint_type,
        campaign AS touchpoint,
        cost
    FROM core.spend
    WHERE dt BETWEEN $from_dt AND $to_dt
),

known AS (
    SELECT
        dt,
        touchpoint_type,
        SUM(cost) AS cost
    FROM spend
    GROUP BY dt, touchpoint_type, touchpoint
    HAVING COUNT(*) = COUNT(cost)
),

expected AS (
    SELECT
        known.dt,
        models.model,
        known.touchpoint_type,
        SUM(known.cost) AS spend
    FROM known
    INNER JOIN attribution.touch_models AS models USING (touchpoint_type)
    GROUP BY known.dt, models.model, known.touchpoint_type
),

shown AS (
    SELECT
        dt,
        model,
        touchpoint_type,
        SUM(spend) AS spend
    FROM attribution.model_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, model, touchpoint_type
)

SELECT
    dt,
    model,
    touchpoint_type,
    expected.spend AS spent,
    shown.spend
FROM expected
FULL JOIN shown USING (dt, model, touchpoint_type)
WHERE COALESCE(expected.spend, 0) <> COALESCE(shown.spend, 0)
