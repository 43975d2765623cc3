/* model
description: >
  Who came on each day, one row for each person and day. COUNT(DISTINCT person_id) over any range of days gives the
  exact number of visitors; adding up the visitors of single days does not.
grain: [dt, person_id]
partition: dt
sorted_by: [person_id]
columns:
  dt: {type: DATE, description: business day}
  person_id: {type: VARCHAR, description: as in core.events; a person who never logs in counts once on each device}
*/
SELECT DISTINCT
    events.dt,
    events.person_id
FROM core.events AS events
WHERE events.dt BETWEEN $from_dt AND $to_dt
