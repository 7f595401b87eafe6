-- What became of everybody who was ever asked for: a usable e-mail, or why not. Counted beside the fold that made
-- enriched.contact. One statement, because BigQuery cancels one of two transactions that change a table at the same
-- time, and queues two MERGEs.
MERGE ops.balance AS kept
USING (
  WITH asked AS (
    SELECT npi, LOGICAL_OR(status = 'outcome_unknown') AS is_outcome_unknown FROM enriched.answer GROUP BY npi
  ),
  decided AS (
    SELECT
      IF(COALESCE(contact.usable_email, FALSE), 'out', 'filtered') AS kind,
      CASE
        WHEN contact.usable_email THEN 'usable_email'
        WHEN contact.npi IS NULL THEN IF(asked.is_outcome_unknown, 'outcome_unknown', 'refused')
        WHEN contact.email IS NULL THEN 'nothing_found'
        ELSE COALESCE(contact.email_verification, 'not_verified')
      END AS reason
    FROM asked
    LEFT JOIN enriched.contact AS contact ON contact.npi = asked.npi
  )
  SELECT 'enriched.contact' AS table_name, 'in' AS kind, 'people_asked_for' AS reason, COUNT(DISTINCT npi) AS row_count
    FROM enriched.answer
  UNION ALL
  SELECT 'enriched.contact', kind, reason, COUNT(*) FROM decided GROUP BY kind, reason
) AS told
ON kept.table_name = told.table_name AND kept.kind = told.kind AND kept.reason = told.reason
WHEN MATCHED THEN UPDATE SET row_count = told.row_count
WHEN NOT MATCHED BY TARGET THEN
  INSERT (table_name, kind, reason, row_count) VALUES (told.table_name, told.kind, told.reason, told.row_count)
WHEN NOT MATCHED BY SOURCE AND kept.table_name = 'enriched.contact' THEN DELETE
