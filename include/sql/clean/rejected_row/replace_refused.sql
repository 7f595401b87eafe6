-- The rows that a gate refused, with where each came from. Replaces the slice of one target table, so a mended row
-- leaves it.
-- {checked} and {key} are the gate's table and key column, from table definitions; {staged} is the table with the
-- refused rows:
-- they may be more than a query parameter can hold.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two
-- MERGEs.
-- @table_name STRING.
MERGE clean.rejected_row AS kept
USING (
  SELECT
    checked.source_file_date AS run_date,
    @table_name AS table_name,
    refused.row_key,
    refused.rule,
    refused.value,
    refused.reason,
    checked.source_object,
    checked.source_line AS line
  FROM {staged} AS refused
  JOIN {checked} AS checked ON checked.{key} = refused.row_key
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.table_name = @table_name THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (run_date, table_name, row_key, rule, value, reason, source_object, line)
  VALUES (
    told.run_date, told.table_name, told.row_key, told.rule, told.value, told.reason, told.source_object, told.line
  )
