-- The rows that a load refused. Replaces the slice of one table's partition and source, so that a rerun writes the same.
-- @rejected is a JSON array of objects: row_key, rule, value, reason, line.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two MERGEs.
MERGE clean.rejected_row AS kept
USING (
  SELECT
    @partition AS run_date,
    @table_name AS table_name,
    @source AS source,
    JSON_VALUE(item, '$.row_key') AS row_key,
    JSON_VALUE(item, '$.rule') AS rule,
    JSON_VALUE(item, '$.value') AS value,
    JSON_VALUE(item, '$.reason') AS reason,
    @source_object AS source_object,
    CAST(JSON_VALUE(item, '$.line') AS INT64) AS line
  FROM UNNEST(JSON_QUERY_ARRAY(@rejected)) AS item
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.run_date = @partition
  AND kept.table_name = @table_name
  AND kept.source = @source
  THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (run_date, table_name, source, row_key, rule, value, reason, source_object, line)
  VALUES (
    told.run_date, told.table_name, told.source, told.row_key, told.rule, told.value, told.reason,
    told.source_object, told.line
  )
