-- One alert that does not leave by itself: what it tells of was seen once, and a rerun could not see it again.
-- A run that died before it noted what it saw sees it again, and perhaps more.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two MERGEs.
-- @raised_on DATE, @source STRING, @check_name STRING, @subject STRING, @severity STRING, @message STRING.
MERGE ops.alert AS kept
USING (
  SELECT @raised_on AS raised_on, @source AS source, @check_name AS check_name, @subject AS subject, @severity AS severity,
    @message AS message
) AS told
ON kept.raised_on = told.raised_on
  AND kept.source = told.source
  AND kept.check_name = told.check_name
  AND kept.subject = told.subject
WHEN MATCHED THEN UPDATE SET severity = told.severity, message = told.message
WHEN NOT MATCHED THEN
  INSERT (raised_on, source, check_name, subject, severity, message)
  VALUES (told.raised_on, told.source, told.check_name, told.subject, told.severity, told.message)
