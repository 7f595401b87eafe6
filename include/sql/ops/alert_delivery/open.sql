-- What was sent last about each alert that was not sent as resolved.
SELECT check_name, source, subject, delivered_at, severity, message
FROM ops.alert_delivery
QUALIFY ROW_NUMBER() OVER (PARTITION BY check_name, source, subject ORDER BY delivered_at DESC) = 1
  AND event != 'resolved'
ORDER BY check_name, source, subject
