/* check
model: core.visitors
severity: error
description: The number of rows of each day equals visitors in core.traffic_daily.
remedy: Compare core.visitors with core.traffic_daily of that day; a person was lost or counted twice.
*/
WITH counted AS (
    SELECT
        dt,
        COUNT(*) AS visitors
    FROM core.visitors
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

expected AS (
    SELECT
        dt,
        visitors
    FROM core.traffic_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
)

SELECT
    dt,
    COALESCE(expected.visitors, 0) AS expected,
    COALESCE(counted.visitors, 0) AS counted
FROM expected
FULL JOIN counted USING (dt)
WHERE COALESCE(expected.visitors, 0) <> COALESCE(counted.visitors, 0)
