-- The slots of all entrances: on the map of a page, and in one table.

-- query page_types: The page types that have slots, those with the most sales first.
SELECT head_page_type
FROM attribution.slot_daily
WHERE head_page_type <> '(none)'
GROUP BY head_page_type ORDER BY sum(revenue) DESC, sum(impressions) DESC, head_page_type;

-- query total: The traffic and sales of a page's slots on these days and on the comparison days.
SELECT dt < $first AS is_before, METRICS(impressions, clicks, slot_click_rate, orders, revenue),
    METRICS(revenue_per_mille_impressions, exposures, click_through_rate, revenue_per_mille)
FROM attribution.slot_daily
WHERE (dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last) AND head_page_type = $page_type
GROUP BY ALL;

-- query places: The slots of a page, each over all entrances that it belonged to, and the last of these entrances.
SELECT dt < $first AS is_before, head_page_type, head_module, head_slot,
    count(DISTINCT entrance_id) AS entrances, arg_max(entrance_id, dt) AS entrance_id,
    METRICS(impressions, clicks, slot_click_rate, orders, revenue, revenue_per_mille_impressions),
    METRICS(exposures, click_through_rate, revenue_per_mille)
FROM attribution.slot_daily
WHERE (dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last) AND head_page_type = $page_type
GROUP BY ALL ORDER BY head_module, head_slot;

-- query contents: What each slot of a page showed most on these days, and how many contents it showed.
WITH shown AS (
    SELECT head_module, head_slot, head_content_id, METRICS(impressions, clicks)
    FROM attribution.slot_daily
    WHERE dt BETWEEN $first AND $last AND head_page_type = $page_type AND head_content_id <> '(none)'
    GROUP BY ALL
)
SELECT head_module, head_slot, head_content_id, count(*) OVER (PARTITION BY head_module, head_slot) AS contents
FROM shown
QUALIFY row_number() OVER (
    PARTITION BY head_module, head_slot ORDER BY impressions DESC, clicks DESC, head_content_id
) = 1;

-- query page_contents: The contents that the slots of a page showed on these days, those shown most first.
SELECT head_content_id, string_agg(DISTINCT concat_ws('.', head_module, head_slot), ' ') AS slots, METRICS(impressions, clicks)
FROM attribution.slot_daily
WHERE dt BETWEEN $first AND $last AND head_page_type = $page_type AND head_content_id <> '(none)'
GROUP BY head_content_id ORDER BY impressions DESC, clicks DESC, head_content_id;

-- query two_contents: The slots of a page while they showed each of two contents, on these days.
SELECT head_content_id, head_page_type, head_module, head_slot, count(DISTINCT dt) AS days,
    count(DISTINCT entrance_id) AS entrances, arg_max(entrance_id, dt) AS entrance_id,
    METRICS(impressions, clicks, slot_click_rate, orders, revenue, revenue_per_mille_impressions),
    METRICS(exposures, click_through_rate, revenue_per_mille)
FROM attribution.slot_daily
WHERE dt BETWEEN $first AND $last AND head_page_type = $page_type AND head_content_id IN ($content, $against)
GROUP BY ALL ORDER BY head_module, head_slot;

-- query slots: The slots of all entrances, on these days and on the comparison days.
SELECT dt < $first AS is_before, entrance_id, head_page_type, head_module, head_slot,
    METRICS(impressions, clicks, slot_click_rate, orders, order_lines, revenue, net_revenue, margin),
    METRICS(revenue_per_mille_impressions, exposures, product_clicks, click_through_rate, revenue_per_mille)
FROM attribution.slot_daily
WHERE (dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last) AND head_page_type <> '(none)'
GROUP BY ALL ORDER BY entrance_id, head_page_type, head_module, head_slot;

-- query all_slots: The totals of the rows of the query slots, and the sales without a slot.
WITH slots AS (
    SELECT dt < $first AS is_before, METRICS(impressions, clicks, slot_click_rate, orders, order_lines, revenue, net_revenue, margin),
        METRICS(revenue_per_mille_impressions, exposures, product_clicks, click_through_rate, revenue_per_mille),
        METRICS(clicks_with_impressions, revenue_with_impressions)
    FROM attribution.slot_daily
    WHERE (dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last) AND head_page_type <> '(none)'
    GROUP BY ALL
), others AS (
    SELECT METRICS(revenue) FROM attribution.slot_daily
    WHERE dt BETWEEN $first AND $last AND head_page_type = '(none)'
)
SELECT slots.*, others.revenue AS revenue_without_slot FROM slots, others;

-- query courses: The slots of all entrances, by periods of $length days; nth is the number of the period, from 0.
SELECT entrance_id, head_page_type, head_module, head_slot, date_diff('day', $first, dt) // $length AS nth,
    METRICS(impressions, clicks, slot_click_rate, orders, revenue, revenue_per_mille_impressions),
    METRICS(exposures, click_through_rate, revenue_per_mille)
FROM attribution.slot_daily
WHERE dt BETWEEN $first AND $last AND head_page_type <> '(none)'
GROUP BY ALL;
