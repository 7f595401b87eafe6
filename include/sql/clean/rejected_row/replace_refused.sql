-- The rows that a gate refused, with where each came from. Replaces the slice of one target table, so a mended row leaves it.
-- {checked} and {key} are the gate's table and key column, from table definitions; @refused is a JSON array of objects.
BEGIN TRANSACTION;

DELETE FROM clean.rejected_row WHERE table_name = @table_name;

INSERT INTO clean.rejected_row (run_date, table_name, row_key, rule, value, reason, source_object, line)
SELECT
  checked.source_file_date,
  @table_name,
  JSON_VALUE(item, '$.row_key'),
  JSON_VALUE(item, '$.rule'),
  JSON_VALUE(item, '$.value'),
  JSON_VALUE(item, '$.reason'),
  checked.source_object,
  checked.source_line
FROM UNNEST(JSON_QUERY_ARRAY(@refused)) AS item
JOIN {checked} AS checked ON checked.{key} = JSON_VALUE(item, '$.row_key');

COMMIT TRANSACTION;
