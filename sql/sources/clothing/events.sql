-- Product clicks as logged, and the menu clicks that we infer from them.
--
-- A page is a list of products: page_type is its category, module its page number (page_1 to page_5), slot the position
-- of the photo, content_id the kind of photo. The log identifies a page only by category and page number. So consecutive
-- clicks on the same list count as one page that the shopper returned to: they share a PageId, twice the number of the
-- first click.
--
-- The entrances are the categories, because a shopper gets from one category to another only by the menu. The log has no
-- clicks on the menu, so we infer one before the first click of a session and before every change of category. Its
-- PageId is one smaller and its time half a second earlier than those of the click after it. It is the head of all clicks
-- until the next menu click, on every page of the list. The first page of a list as the entrance would be wrong: of the
-- 72,022 clicks on later pages, 14,017 would be credited to the category of an earlier first page, and 13,926 to none.
--
-- The log has the day and the order of clicks, but no time of day. The clicks of a session are placed one second apart
-- from noon UTC, so that they stay on their day in every time zone up to eleven hours from UTC.
WITH numbered AS (
    SELECT
        session_id,
        TRY_CAST(REGEXP_EXTRACT(click_no, '^[0-9]+$') AS BIGINT) AS click_no,
        REGEXP_EXTRACT(year || '-' || month || '-' || day, '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') AS date_text,
        year || '-' || month || '-' || day AS day,
        CASE category
            WHEN '1' THEN 'trousers'
            WHEN '2' THEN 'skirts'
            WHEN '3' THEN 'blouses'
            WHEN '4' THEN 'sale'
        END AS category,
        'page_' || page AS list_page,
        location,
        model,
        CASE photography WHEN '1' THEN 'en_face' WHEN '2' THEN 'profile' END AS photography,
        batch_id,
        record_no
    FROM clicks
),

neighbours AS (
    SELECT
        *,
        LAG(category) OVER session_so_far AS category_before,
        LAG(list_page) OVER session_so_far AS list_page_before
    FROM numbered
    WINDOW session_so_far AS (PARTITION BY session_id, day ORDER BY click_no, batch_id, record_no)
),

lists AS (
    SELECT
        *,
        category IS DISTINCT FROM category_before AS is_entry,
        MAX(
            CASE
                WHEN category IS DISTINCT FROM category_before OR list_page IS DISTINCT FROM list_page_before
                    THEN click_no
            END
        ) OVER (PARTITION BY session_id, day ORDER BY click_no, batch_id, record_no) AS first_click_no
    FROM neighbours
),

events AS (
    SELECT
        'click-' || session_id || '-' || click_no AS event_id,
        session_id,
        2 * first_click_no AS page_id,
        category AS page_type,
        list_page AS module,
        location AS slot,
        model AS sku,
        photography AS content_id,
        date_text,
        day,
        1000 * click_no AS milliseconds,
        batch_id,
        record_no
    FROM lists
    UNION ALL
    SELECT
        'menu-' || session_id || '-' || click_no,
        session_id,
        2 * click_no - 1,
        'menu',
        category,
        NULL,
        NULL,
        NULL,
        date_text,
        day,
        1000 * click_no - 500,
        batch_id,
        record_no
    FROM lists
    WHERE
        is_entry
        AND category IS NOT NULL
)

SELECT
    event_id,
    'session-' || session_id AS device_id,
    'click' AS event_type,
    page_id,
    page_type,
    module,
    slot,
    sku,
    content_id,
    COALESCE(
        CAST(TRY_CAST(date_text AS DATE) + INTERVAL 12 HOUR + milliseconds * INTERVAL 1 MILLISECOND AS VARCHAR) || 'Z', day
    ) AS device_time,
    'web' AS platform,
    batch_id,
    record_no
FROM events
