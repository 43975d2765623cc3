-- Modules of campaign and detail pages.

-- query modules: Assisted and closing sales of each module, with its impressions and clicks.
SELECT page_type, module, METRICS(assisted_add_to_carts, assisted_order_lines, assisted_revenue),
    METRICS(closing_add_to_carts, closing_order_lines, closing_revenue),
    METRICS(module_impressions, module_clicks, module_click_rate)
FROM attribution.module_daily
WHERE dt BETWEEN $first AND $last AND ($page_type = '' OR page_type = $page_type)
GROUP BY ALL ORDER BY assisted_revenue DESC, module_clicks DESC, page_type, module;

-- query course: The modules by day.
SELECT dt, page_type, module, page_type || '.' || module AS key, click_through_rate AS module_click_rate,
    assisted_revenue
FROM attribution.module_daily
WHERE dt BETWEEN $first AND $last AND ($page_type = '' OR page_type = $page_type) ORDER BY dt;

-- query page_types: The page types that have modules.
SELECT DISTINCT page_type FROM attribution.module_daily ORDER BY 1;
