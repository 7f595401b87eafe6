-- Every row of raw.event is an event, a rejected row, or filtered with a reason.
ASSERT (
  SELECT SUM(IF(kind = 'in', row_count, -row_count)) = 0 FROM ops.balance WHERE table_name = 'clean.event'
) AS 'clean.event does not balance: rows of raw.event are neither events, rejected nor filtered. Read ops.balance for clean.event, then run clean_events again.';

ASSERT (
  SELECT COUNT(*) = COUNT(DISTINCT event_id) FROM clean.event
) AS 'clean.event holds an event_id twice: two promotions ran at once. Let only one run of clean_events be active, then clear it.';

ASSERT (
  SELECT COALESCE(SUM(IF(kind = 'out', row_count, 0)), 0) = (SELECT COUNT(*) FROM clean.event)
  FROM ops.balance WHERE table_name = 'clean.event'
) AS 'clean.event changed after its promotion counted it: something else writes to it. Find that, then run clean_events again.';
