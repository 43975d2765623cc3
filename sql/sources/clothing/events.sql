-- Product clicks as they were logged, and the menu clicks that they tell of.
--
-- The page is a list: page_type is its category, module its number (page_1 to page_5), slot the place of the photo,
-- content_id the kind of photo. The shopper's place in the shop is all that the log tells of a page, so clicks in a row
-- on the same list are on one page, which was gone back to: they share the PageId, twice the number of the first.
--
-- The entrances are the categories: one is reached from another only through the menu. The log has no clicks on the
-- menu, but a session's first click and every change of category tell of one. It is given the PageId and the half
-- second before, and is the head of all clicks until the next, whatever page of the list they are on. Taking the first
-- page of a list itself for the entrance would be wrong: of the 72,022 clicks on later pages, 14,017 would go to another
-- category than their own, that of the last click on a first page, and 13,926 to none.
--
-- The log has days and the order of clicks, but no time of day: the clicks of a session are put a second apart, from
-- noon UTC, so that they keep their day in the shop's time zone wherever that is (up to eleven hours from UTC).
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
