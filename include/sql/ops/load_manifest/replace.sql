-- What a load read and wrote. Replaces the row of one table and partition, so that a rerun writes the same.
BEGIN TRANSACTION;

DELETE FROM ops.load_manifest WHERE `partition` = @partition AND dataset_table = @dataset_table;

INSERT INTO ops.load_manifest
  (dataset_table, `partition`, source_object, file_name, source_bytes, sha256, source_rows, `rows`, rejected_rows, note)
VALUES
  (
    @dataset_table,
    @partition,
    @source_object,
    @file_name,
    @source_bytes,
    @sha256,
    @source_rows,
    @rows,
    @rejected_rows,
    NULLIF(@note, '')
  );

COMMIT TRANSACTION;
