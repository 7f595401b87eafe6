-- What became of every provider on the way to a lead, and of every lead on the way to an audience. Counted beside the
-- folds. One statement, because BigQuery cancels one of two transactions that change a table at the same time, and
-- queues two MERGEs.
MERGE ops.balance AS kept
USING (
  WITH lead_decided AS (
    SELECT
      IF(lead.npi IS NOT NULL, 'out', 'filtered') AS kind,
      CASE
        WHEN lead.npi IS NOT NULL THEN 'segmented.lead'
        WHEN person.entity_type != 'individual' THEN 'organization'
        WHEN NOT person.is_active THEN 'inactive'
        ELSE CONCAT('specialty_', person.specialty)
      END AS reason
    FROM clean.provider AS person
    LEFT JOIN segmented.lead AS lead ON lead.npi = person.npi
  ),
  fit AS (
    -- of each lead the audiences of its specialty and size, and the lowest score that one of them asks for
    SELECT lead.person_id, MIN(audience.min_icp_score) AS min_icp_score
    FROM segmented.lead AS lead
    JOIN segmented.audience AS audience
      ON lead.specialty IN UNNEST(audience.specialties)
        AND lead.practice_size_band IN UNNEST(audience.practice_size_bands)
    GROUP BY lead.person_id
  ),
  member AS (
    SELECT DISTINCT person_id FROM segmented.audience_member
  ),
  member_decided AS (
    SELECT
      IF(member.person_id IS NOT NULL, 'out', 'filtered') AS kind,
      CASE
        WHEN member.person_id IS NOT NULL THEN 'segmented.audience_member'
        WHEN fit.person_id IS NULL THEN 'no_audience_for_specialty_and_size'
        WHEN lead.icp_score < fit.min_icp_score THEN 'icp_score_too_low'
        WHEN NOT lead.has_email THEN 'no_usable_email'
        ELSE 'not_drawn_yet'
      END AS reason
    FROM segmented.lead AS lead
    LEFT JOIN fit ON fit.person_id = lead.person_id
    LEFT JOIN member ON member.person_id = lead.person_id
  )
  SELECT 'segmented.lead' AS table_name, 'in' AS kind, 'clean.provider' AS reason, COUNT(*) AS row_count
    FROM clean.provider
  UNION ALL
  SELECT 'segmented.lead', kind, reason, COUNT(*) FROM lead_decided GROUP BY kind, reason
  UNION ALL
  SELECT 'segmented.audience_member', 'in', 'segmented.lead', COUNT(*) FROM segmented.lead
  UNION ALL
  SELECT 'segmented.audience_member', kind, reason, COUNT(*) FROM member_decided GROUP BY kind, reason
) AS told
ON kept.table_name = told.table_name AND kept.kind = told.kind AND kept.reason = told.reason
WHEN MATCHED THEN UPDATE SET row_count = told.row_count
WHEN NOT MATCHED BY TARGET THEN
  INSERT (table_name, kind, reason, row_count) VALUES (told.table_name, told.kind, told.reason, told.row_count)
WHEN NOT MATCHED BY SOURCE AND kept.table_name IN ('segmented.lead', 'segmented.audience_member') THEN DELETE
