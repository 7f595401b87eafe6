-- What a load read and wrote. Replaces the row of one table, partition and source, so that a rerun writes the same.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two
-- MERGEs.
-- @dataset_table STRING, @partition DATE, @source STRING, @source_object STRING, @file_name STRING,
-- @source_bytes INT64, @sha256 STRING, @source_rows INT64, @rows INT64, @rejected_rows INT64, @note STRING.
MERGE ops.load_manifest AS kept
USING (
  SELECT
    @dataset_table AS dataset_table,
    @partition AS `partition`,
    @source AS source,
    @source_object AS source_object,
    @file_name AS file_name,
    @source_bytes AS source_bytes,
    @sha256 AS sha256,
    @source_rows AS source_rows,
    @rows AS `rows`,
    @rejected_rows AS rejected_rows,
    NULLIF(@note, '') AS note
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.`partition` = @partition
  AND kept.dataset_table = @dataset_table
  AND kept.source = @source
  THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    dataset_table, `partition`, source, source_object, file_name, source_bytes, sha256, source_rows, `rows`,
    rejected_rows, note
  )
  VALUES (
    told.dataset_table, told.`partition`, told.source, told.source_object, told.file_name, told.source_bytes,
    told.sha256, told.source_rows, told.`rows`, told.rejected_rows, told.note
  )
