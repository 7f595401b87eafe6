-- What a contact of the CRM said when it was read, at once: the next load of the inbox says the same (include/activation/send_store.py), and a day is
-- too long for an opt-out. @rows STRING: a JSON array of identifier_type, identifier_hash, channel, since.
-- An INSERT, because BigQuery lets it run beside the MERGE of clean_events; a key that both insert then closes twice what is closed.
INSERT INTO clean.suppression (identifier_type, identifier_hash, channel, reason, since)
SELECT
  JSON_VALUE(r, '$.identifier_type'), JSON_VALUE(r, '$.identifier_hash'), JSON_VALUE(r, '$.channel'), 'dnd',
  TIMESTAMP(JSON_VALUE(r, '$.since'))
FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS r
WHERE NOT EXISTS (
  SELECT 1 FROM clean.suppression AS s
  WHERE s.identifier_type = JSON_VALUE(r, '$.identifier_type')
    AND s.identifier_hash = JSON_VALUE(r, '$.identifier_hash')
    AND s.channel = JSON_VALUE(r, '$.channel')
)
