-- Add what was refused of vendors' answers, which come one by one; told again, a row stays one.
-- @rows STRING, a JSON array of run_date, source, row_key, rule, value, reason, source_object.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two
-- MERGEs.
MERGE clean.rejected_row AS kept
USING (
  SELECT
    CAST(JSON_VALUE(item, '$.run_date') AS DATE) AS run_date,
    'raw.vendor_response' AS table_name,
    JSON_VALUE(item, '$.source') AS source,
    JSON_VALUE(item, '$.row_key') AS row_key,
    JSON_VALUE(item, '$.rule') AS rule,
    JSON_VALUE(item, '$.value') AS value,
    JSON_VALUE(item, '$.reason') AS reason,
    JSON_VALUE(item, '$.source_object') AS source_object
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS item
) AS told
ON kept.run_date = told.run_date
  AND kept.table_name = told.table_name
  AND kept.source = told.source
  AND kept.row_key = told.row_key
  AND kept.rule = told.rule
WHEN MATCHED THEN UPDATE SET value = told.value, reason = told.reason, source_object = told.source_object
WHEN NOT MATCHED BY TARGET THEN
  INSERT (run_date, table_name, source, row_key, rule, value, reason, source_object)
  VALUES (
    told.run_date, told.table_name, told.source, told.row_key, told.rule, told.value, told.reason, told.source_object
  )
