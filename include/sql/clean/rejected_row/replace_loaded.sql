-- The rows that a load refused. Replaces the slice of one source's partition for these tables, so that a rerun writes
-- the same.
-- {staged} is the table with the refused rows: they may be more than a query parameter can hold.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two
-- MERGEs.
-- @partition DATE, @source STRING, @table_names ARRAY<STRING>.
MERGE clean.rejected_row AS kept
USING (
  SELECT @partition AS run_date, table_name, @source AS source, row_key, rule, value, reason, source_object, line
  FROM {staged}
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.run_date = @partition
  AND kept.table_name IN UNNEST(@table_names)
  AND kept.source = @source
  THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (run_date, table_name, source, row_key, rule, value, reason, source_object, line)
  VALUES (
    told.run_date, told.table_name, told.source, told.row_key, told.rule, told.value, told.reason,
    told.source_object, told.line
  )
