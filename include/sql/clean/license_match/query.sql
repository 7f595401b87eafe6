-- The pairs that the linkage found -> clean.license_match; only what changed is written. {staging} holds npi,
-- license_key, tier, rule, score, runner_up, evidence. What has become of the license since (its status) is taken from
-- clean.license.
MERGE clean.license_match AS t
USING (
  SELECT
    f.npi, f.license_key, l.state AS license_state, l.profession, f.tier, f.rule, f.score, f.runner_up, f.evidence,
    l.status_class, l.issued_on, l.expires_on
  FROM {staging} AS f
  JOIN clean.license AS l ON l.license_key = f.license_key
) AS s
ON t.license_key = s.license_key AND t.npi = s.npi
WHEN MATCHED AND (
  t.tier != s.tier OR t.score != s.score OR t.runner_up IS DISTINCT FROM s.runner_up
  OR ARRAY_TO_STRING(t.evidence, '|') != ARRAY_TO_STRING(s.evidence, '|') OR t.status_class != s.status_class
  OR t.issued_on IS DISTINCT FROM s.issued_on OR t.expires_on IS DISTINCT FROM s.expires_on
) THEN UPDATE SET
  license_state = s.license_state, profession = s.profession, tier = s.tier, rule = s.rule, score = s.score,
    runner_up = s.runner_up, evidence = s.evidence, status_class = s.status_class, issued_on = s.issued_on,
    expires_on = s.expires_on
WHEN NOT MATCHED BY TARGET THEN
  INSERT (npi, license_key, license_state, profession, tier, rule, score, runner_up, evidence, status_class, issued_on,
    expires_on)
  VALUES (s.npi, s.license_key, s.license_state, s.profession, s.tier, s.rule, s.score, s.runner_up, s.evidence,
    s.status_class, s.issued_on, s.expires_on)
WHEN NOT MATCHED BY SOURCE THEN DELETE;

BEGIN TRANSACTION;

DELETE FROM ops.balance WHERE table_name = 'clean.license_match';

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.license_match', 'in', 'clean.license', COUNT(*) FROM clean.license
UNION ALL
SELECT 'clean.license_match', 'out', 'clean.license_match', COUNT(DISTINCT license_key) FROM clean.license_match
UNION ALL
SELECT 'clean.license_match', 'filtered', IF(l.holder = 'person', 'no_npi_beyond_doubt', 'organization'), COUNT(*)
FROM clean.license AS l
LEFT JOIN (SELECT DISTINCT license_key FROM clean.license_match) AS m ON m.license_key = l.license_key
WHERE m.license_key IS NULL
GROUP BY l.holder;

COMMIT TRANSACTION;
