/* model
description: >
  Who came on each day: one row a person and day, so that the distinct visitors of any range of days are counted
  exactly, as COUNT(DISTINCT person_id); the days' visitors do not sum to them.
grain: [dt, person_id]
partition: dt
sorted_by: [person_id]
columns:
  dt: {type: DATE, description: business day}
  person_id: {type: VARCHAR, description: "person with an event on the day, as in core.events; who never logs in is another person on each device"}
*/
SELECT DISTINCT
    events.dt,
    events.person_id
FROM core.events AS events
WHERE events.dt BETWEEN $from_dt AND $to_dt
