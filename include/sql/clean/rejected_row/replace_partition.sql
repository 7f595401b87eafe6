-- The rows that a load refused. Replaces the slice of one table's partition and source, so that a rerun writes the same.
-- @rejected is a JSON array of objects: row_key, rule, value, reason, line.
BEGIN TRANSACTION;

DELETE FROM clean.rejected_row WHERE run_date = @partition AND table_name = @table_name AND source = @source;

INSERT INTO clean.rejected_row (run_date, table_name, source, row_key, rule, value, reason, source_object, line)
SELECT
  @partition,
  @table_name,
  @source,
  JSON_VALUE(item, '$.row_key'),
  JSON_VALUE(item, '$.rule'),
  JSON_VALUE(item, '$.value'),
  JSON_VALUE(item, '$.reason'),
  @source_object,
  CAST(JSON_VALUE(item, '$.line') AS INT64)
FROM UNNEST(JSON_QUERY_ARRAY(@rejected)) AS item;

COMMIT TRANSACTION;
