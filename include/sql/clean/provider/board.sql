-- Who of clean.provider may not be written to by what the state boards say, and the count of who is out. A provider
-- whose every matched license is deceased, retired or disciplined (surrendered, revoked) is inactive, with the reason.
-- He stays in the table: who is taken out could not be matched to a license again, and would come back. Runs after a
-- promotion and whenever clean.license_match has changed.
BEGIN TRANSACTION;

UPDATE clean.provider AS p
SET is_active = said.reason IS NULL, inactive_reason = said.reason
FROM (
  SELECT
    q.npi,
    CASE
      WHEN LOGICAL_AND(m.status_class IN ('deceased', 'retired', 'disciplined')) IS NOT TRUE THEN NULL
      WHEN LOGICAL_OR(m.status_class = 'deceased') THEN 'board_deceased'
      WHEN LOGICAL_OR(m.status_class = 'disciplined') THEN 'board_disciplined'
      ELSE 'board_retired'
    END AS reason
  FROM clean.provider AS q
  -- An owner who retires does not close the practice: what the official's license says, clean.license_match says.
  LEFT JOIN clean.license_match AS m ON m.npi = q.npi AND m.rule != 'official'
  WHERE m.npi IS NOT NULL OR q.inactive_reason IS NOT NULL
  GROUP BY q.npi
) AS said
WHERE p.npi = said.npi AND p.inactive_reason IS DISTINCT FROM said.reason;

DELETE FROM ops.balance WHERE table_name = 'clean.provider' AND kind = 'out';

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider', 'out', IFNULL(inactive_reason, 'active'), COUNT(*) FROM clean.provider
  GROUP BY inactive_reason;

COMMIT TRANSACTION;
