-- Store the outcomes of one gate run; a rerun of the same task replaces them. @outcomes is a JSON array of objects.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two
-- MERGEs.
-- @as_of STRING, @run_key STRING, @table_name STRING, @outcomes STRING.
MERGE ops.quality_result AS kept
USING (
  SELECT
    DATE(TIMESTAMP(@as_of)) AS checked_date,
    @run_key AS run_key,
    @table_name AS table_name,
    JSON_VALUE(item, '$.expectation') AS expectation,
    JSON_VALUE(item, '$.column_name') AS column_name,
    JSON_VALUE(item, '$.severity') AS severity,
    CAST(JSON_VALUE(item, '$.success') AS BOOL) AS success,
    JSON_VALUE(item, '$.reason') AS reason,
    CAST(JSON_VALUE(item, '$.unexpected_count') AS INT64) AS unexpected_count,
    CAST(JSON_VALUE(item, '$.element_count') AS INT64) AS element_count,
    JSON_VALUE(item, '$.observed') AS observed
  FROM UNNEST(JSON_QUERY_ARRAY(@outcomes)) AS item
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.run_key = @run_key
  AND kept.table_name = @table_name
  AND kept.checked_date = DATE(TIMESTAMP(@as_of))
  THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    checked_date, run_key, table_name, expectation, column_name, severity, success, reason, unexpected_count,
    element_count, observed
  )
  VALUES (
    told.checked_date, told.run_key, told.table_name, told.expectation, told.column_name, told.severity,
    told.success, told.reason, told.unexpected_count, told.element_count, told.observed
  )
