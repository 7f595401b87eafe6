-- Store the outcomes of one gate run; a rerun of the same task replaces them. @outcomes is a JSON array of objects.
BEGIN TRANSACTION;

DELETE FROM ops.quality_result WHERE run_key = @run_key AND table_name = @table_name AND checked_date = DATE(TIMESTAMP(@as_of));

INSERT INTO ops.quality_result
  (checked_date, run_key, table_name, expectation, column_name, severity, success, reason, unexpected_count, element_count, observed)
SELECT
  DATE(TIMESTAMP(@as_of)),
  @run_key,
  @table_name,
  JSON_VALUE(item, '$.expectation'),
  JSON_VALUE(item, '$.column_name'),
  JSON_VALUE(item, '$.severity'),
  CAST(JSON_VALUE(item, '$.success') AS BOOL),
  JSON_VALUE(item, '$.reason'),
  CAST(JSON_VALUE(item, '$.unexpected_count') AS INT64),
  CAST(JSON_VALUE(item, '$.element_count') AS INT64),
  JSON_VALUE(item, '$.observed')
FROM UNNEST(JSON_QUERY_ARRAY(@outcomes)) AS item;

COMMIT TRANSACTION;
