-- What a load read and wrote. Replaces the row of one table, partition and source, so that a rerun writes the same.
BEGIN TRANSACTION;

DELETE FROM ops.load_manifest WHERE `partition` = @partition AND dataset_table = @dataset_table AND source = @source;

INSERT INTO ops.load_manifest
  (
    dataset_table, `partition`, source, source_object, file_name, source_bytes, sha256, source_rows, `rows`,
    rejected_rows, note
  )
VALUES
  (
    @dataset_table,
    @partition,
    @source,
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
