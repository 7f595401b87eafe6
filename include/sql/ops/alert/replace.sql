-- The alerts of a check that looks at everything each day. Replaces those of the date and of the dates before it, so that a rerun
-- writes the same and what was mended since leaves: the newest look tells what stands.
-- @alerts is a JSON array of objects: source, subject, severity, message.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two MERGEs.
-- @raised_on DATE, @check_name STRING, @alerts STRING.
MERGE ops.alert AS kept
USING (
  SELECT
    @raised_on AS raised_on,
    JSON_VALUE(item, '$.source') AS source,
    @check_name AS check_name,
    JSON_VALUE(item, '$.subject') AS subject,
    JSON_VALUE(item, '$.severity') AS severity,
    JSON_VALUE(item, '$.message') AS message
  FROM UNNEST(JSON_QUERY_ARRAY(@alerts)) AS item
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.raised_on <= @raised_on AND kept.check_name = @check_name THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (raised_on, source, check_name, subject, severity, message)
  VALUES (told.raised_on, told.source, told.check_name, told.subject, told.severity, told.message)
