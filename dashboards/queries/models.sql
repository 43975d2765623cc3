-- The attribution models side by side. The sales of the fused model come from the tables of entrances and slots, not
-- from touch models.

-- query sales: Sales of each touchpoint of a type by each model, its share of them, and all sales by the model.
WITH sales AS (
    SELECT 'fused' AS model, entrance_id AS touchpoint, dt, revenue
    FROM attribution.entrance_daily
    WHERE $type = 'entrance'
    UNION ALL
    SELECT 'fused', CASE
            WHEN head_page_type = '(none)' THEN entrance_id
            ELSE concat_ws('.', head_page_type, nullif(head_module, '(none)'), nullif(head_slot, 0))
        END, dt, revenue
    FROM attribution.slot_daily
    WHERE $type = 'slot'
    UNION ALL
    SELECT model, touchpoint, dt, revenue
    FROM attribution.model_daily
    WHERE touchpoint_type = $type
), paid AS (
    SELECT METRICS(revenue) FROM core.order_lines WHERE dt BETWEEN $first AND $last
), sums AS (
    SELECT model, touchpoint, coalesce(sum(revenue) FILTER (WHERE dt BETWEEN $first AND $last), 0) AS revenue,
        coalesce(sum(revenue) FILTER (WHERE dt BETWEEN $then_first AND $then_last), 0) AS revenue_before
    FROM sales
    WHERE dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last
    GROUP BY model, touchpoint
), totals AS (
    SELECT model, sum(revenue) AS total, sum(revenue_before) AS total_before FROM sums GROUP BY model
)
SELECT sums.model, sums.touchpoint, sums.revenue, sums.revenue_before, totals.total, totals.total_before,
    CAST(sums.revenue AS DOUBLE) / nullif(totals.total, 0) AS share, totals.total = coalesce(paid.revenue, 0) AS is_equal
FROM sums
JOIN totals ON totals.model = sums.model
CROSS JOIN paid
WHERE sums.revenue <> 0 OR sums.revenue_before <> 0
ORDER BY sums.model, sums.touchpoint;

-- query effects: The effects that a model has learned as of a day, with their 95 % intervals.
SELECT touchpoint, effect, low, high, standard_error, share, orders_touched, paths, is_small_sample
FROM attribution.model_effects
WHERE dt = $day AND touchpoint_type = $type AND model = $model
ORDER BY effect DESC NULLS LAST, touchpoint;
