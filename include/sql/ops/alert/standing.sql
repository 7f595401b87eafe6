-- What stands now: one row for each check, source and subject, as its newest date tells it.
SELECT
  check_name,
  source,
  subject,
  COUNT(*) AS dates,
  ARRAY_AGG(severity ORDER BY raised_on DESC LIMIT 1)[OFFSET(0)] AS severity,
  ARRAY_AGG(message ORDER BY raised_on DESC LIMIT 1)[OFFSET(0)] AS message
FROM ops.alert
GROUP BY check_name, source, subject
ORDER BY check_name, source, subject
