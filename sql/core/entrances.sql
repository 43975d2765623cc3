/* model
description: The first-level traffic entrances and their positions, as in config/entrances.csv.
grain: [entrance_id, page_type, module, position_no]
columns:
  entrance_id: {type: VARCHAR, description: key of the entrance; several positions may share it}
  name_zh: {type: VARCHAR, description: Chinese name}
  name_en: {type: VARCHAR, description: English name}
  page_type: {type: VARCHAR, description: page that holds the position}
  module: {type: VARCHAR, description: module on that page}
  slot: {type: INTEGER, description: "position in the module, from 1; null = any"}
  valid_from: {type: DATE, description: first business day on which the position is an entrance; null = no first day}
  valid_to: {type: DATE, description: last business day on which the position is an entrance; null = no last day}
  position_no: {type: BIGINT, description: "number of the row among those with the same entrance, page and module, from 1"}
*/
SELECT
    entrance_id,
    name_zh,
    name_en,
    page_type,
    module,
    slot,
    valid_from,
    valid_to,
    ROW_NUMBER() OVER (
        PARTITION BY entrance_id, page_type, module
        ORDER BY slot, valid_from, valid_to
    ) AS position_no
FROM config.entrances
