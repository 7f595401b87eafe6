-- What became of every row of clean.provider in a plan of enrich_contacts: asked for, or why not. Replaces that of the
-- plan before.
-- @rows STRING, a JSON array of kind, reason, row_count.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two
-- MERGEs.
MERGE ops.balance AS kept
USING (
  SELECT
    'enriched.answer' AS table_name,
    JSON_VALUE(item, '$.kind') AS kind,
    JSON_VALUE(item, '$.reason') AS reason,
    CAST(JSON_VALUE(item, '$.row_count') AS INT64) AS row_count
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS item
) AS told
ON kept.table_name = told.table_name AND kept.kind = told.kind AND kept.reason = told.reason
WHEN MATCHED THEN UPDATE SET row_count = told.row_count
WHEN NOT MATCHED BY TARGET THEN
  INSERT (table_name, kind, reason, row_count) VALUES (told.table_name, told.kind, told.reason, told.row_count)
WHEN NOT MATCHED BY SOURCE AND kept.table_name = 'enriched.answer' THEN DELETE
