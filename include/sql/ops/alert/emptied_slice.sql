-- Stops a load that would empty a slice which the last load filled. A vendor that answers a day with no rows, after it had some, has
-- lost them or not found them yet far more often than it has taken them back; the slice keeps what it held. The alert leaves when the
-- vendor has rows again, or a person accepts the empty answer.
-- One statement for the alert, because BigQuery cancels one of two transactions that change a table at the same time, and queues two MERGEs.
-- @partition DATE, @dataset_table STRING, @source STRING, @rows INT64, @accept_empty BOOL.
MERGE ops.alert AS kept
USING (
  SELECT
    m.`partition` AS raised_on,
    m.source AS source,
    'emptied_slice' AS check_name,
    m.dataset_table AS subject,
    'error' AS severity,
    CONCAT(
      m.source, ' answers for ', CAST(m.`partition` AS STRING), ' with no rows, and ', m.dataset_table, ' holds ',
      CAST(m.`rows` AS STRING), ' of an earlier answer. They were kept. Look at the page of the vendor: if the day is empty there, too, ',
      'run again with accept_empty.'
    ) AS message
  FROM ops.load_manifest AS m
  WHERE m.`partition` = @partition
    AND m.dataset_table = @dataset_table
    AND m.source = @source
    AND m.`rows` > 0
    AND @rows = 0
    AND NOT @accept_empty
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.raised_on = @partition
  AND kept.check_name = 'emptied_slice'
  AND kept.source = @source
  AND kept.subject = @dataset_table
  THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (raised_on, source, check_name, subject, severity, message)
  VALUES (told.raised_on, told.source, told.check_name, told.subject, told.severity, told.message);

ASSERT NOT EXISTS (
  SELECT 1 FROM ops.alert
  WHERE raised_on = @partition AND check_name = 'emptied_slice' AND source = @source AND subject = @dataset_table
)
  AS 'no rows came for a day that had some; the old ones were kept. See ops.alert, check_name emptied_slice; if the day is empty at the vendor, too, run again with accept_empty';
