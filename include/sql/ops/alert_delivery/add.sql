-- What one message was about. A MERGE, because a statement that was sent twice must not write twice.
-- @as_of TIMESTAMP.
-- @rows STRING: a JSON array of objects with check_name, source, subject, event, severity and message.
MERGE ops.alert_delivery AS kept
USING (
  SELECT
    DATE(@as_of) AS delivered_on,
    @as_of AS delivered_at,
    JSON_VALUE(item, '$.check_name') AS check_name,
    JSON_VALUE(item, '$.source') AS source,
    JSON_VALUE(item, '$.subject') AS subject,
    JSON_VALUE(item, '$.event') AS event,
    JSON_VALUE(item, '$.severity') AS severity,
    JSON_VALUE(item, '$.message') AS message
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS item
) AS incoming
ON kept.delivered_on = DATE(@as_of)
  AND kept.delivered_at = incoming.delivered_at
  AND kept.check_name = incoming.check_name
  AND kept.source = incoming.source
  AND kept.subject = incoming.subject
WHEN NOT MATCHED THEN
  INSERT (delivered_on, delivered_at, check_name, source, subject, event, severity, message)
  VALUES (
    incoming.delivered_on, incoming.delivered_at, incoming.check_name, incoming.source, incoming.subject,
    incoming.event,
    incoming.severity, incoming.message
  )
