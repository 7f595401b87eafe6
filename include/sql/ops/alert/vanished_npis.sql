-- NPIs that a monthly file, which is a full replacement, no longer holds although the files since the monthly one before it do,
-- and that nobody deactivated: no row with only NPI and date, no line in a deactivation report. CLEAN keeps them; a person looks.
-- Said of every monthly file again, so the order in which files were loaded does not matter, and an explained one leaves.
-- One statement, because BigQuery cancels one of two transactions that change a table at the same time, and queues two MERGEs.
MERGE ops.alert AS kept
USING (
  WITH monthly AS (
    SELECT file_date, LAG(file_date) OVER (ORDER BY file_date) AS previous
    FROM (SELECT DISTINCT file_date FROM raw.nppes_npi WHERE source = 'nppes_monthly')
  ),
  known AS (
    SELECT DISTINCT m.file_date, n.npi
    FROM raw.nppes_npi AS n
    JOIN monthly AS m ON n.file_date < m.file_date AND n.file_date >= IFNULL(m.previous, DATE '0001-01-01')
  ),
  present AS (
    SELECT DISTINCT file_date, npi FROM raw.nppes_npi WHERE source = 'nppes_monthly'
  ),
  deactivated AS (
    SELECT npi FROM raw.nppes_npi WHERE IFNULL(entity_type_code, '') = ''
    UNION DISTINCT
    SELECT npi FROM raw.nppes_deactivation
  ),
  vanished AS (
    SELECT k.file_date, k.npi
    FROM known AS k
    LEFT JOIN present AS p ON p.file_date = k.file_date AND p.npi = k.npi
    LEFT JOIN deactivated AS d ON d.npi = k.npi
    WHERE p.npi IS NULL AND d.npi IS NULL
  )
  SELECT
    file_date AS raised_on,
    'nppes_monthly' AS source,
    'vanished_npis' AS check_name,
    'raw.nppes_npi' AS subject,
    'error' AS severity,
    CONCAT(
      CAST(COUNT(*) AS STRING), ' NPIs of earlier files are missing from the monthly file of ', CAST(file_date AS STRING),
      ' and were not deactivated, such as ', STRING_AGG(npi, ', ' ORDER BY npi LIMIT 5),
      '. Nothing was deleted. Compare the file with the one before it: if it is cut or wrong, get it again.'
    ) AS message
  FROM vanished
  GROUP BY file_date
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.source = 'nppes_monthly' AND kept.check_name = 'vanished_npis' THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (raised_on, source, check_name, subject, severity, message)
  VALUES (told.raised_on, told.source, told.check_name, told.subject, told.severity, told.message)
