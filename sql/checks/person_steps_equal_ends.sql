/* check
model: attribution.person_steps
severity: error
description: >
  The exposures, product clicks and add-to-carts of the persons sum to those in attribution.attributed_events, on each
  day and entrance.
remedy: Compare attribution.person_steps with attribution.attributed_events of that day; an event was lost or counted twice.
*/
WITH counted AS (
    SELECT
        dt,
        entrance_id,
        SUM(CASE WHEN kind = 'exposure' THEN events ELSE 0 END) AS exposures,
        SUM(CASE WHEN kind = 'product_click' THEN events ELSE 0 END) AS product_clicks,
        SUM(CASE WHEN kind = 'add_to_cart' THEN events ELSE 0 END) AS add_to_carts
    FROM attribution.person_steps
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND kind IN ('exposure', 'product_click', 'add_to_cart')
    GROUP BY dt, entrance_id
),

expected AS (
    SELECT
        dt,
        entrance_id,
        COUNT(*) FILTER (WHERE end_type = 'exposure') AS exposures,
        COUNT(*) FILTER (WHERE end_type = 'click') AS product_clicks,
        COUNT(*) FILTER (WHERE end_type = 'add_to_cart') AS add_to_carts
    FROM attribution.attributed_events
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, entrance_id
)

SELECT
    dt,
    entrance_id,
    counted.exposures AS counted_exposures,
    expected.exposures AS expected_exposures,
    counted.product_clicks AS counted_product_clicks,
    expected.product_clicks AS expected_product_clicks,
    counted.add_to_carts AS counted_add_to_carts,
    expected.add_to_carts AS expected_add_to_carts
FROM counted
FULL JOIN expected USING (dt, entrance_id)
WHERE
    counted.exposures IS DISTINCT FROM expected.exposures
    OR counted.product_clicks IS DISTINCT FROM expected.product_clicks
    OR counted.add_to_carts IS DISTINCT FROM expected.add_to_carts
