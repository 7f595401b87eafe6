-- Members by the audience's own rule columns, with the arm that segmented.holdout fixed. An older @as_of changes
-- nothing.
-- @as_of TIMESTAMP.
IF NOT EXISTS (SELECT 1 FROM segmented.audience_member WHERE as_of > @as_of) THEN
MERGE segmented.audience_member AS t
USING (
  SELECT a.audience_id, l.person_id, h.arm, @as_of AS as_of
  FROM segmented.lead AS l
  JOIN segmented.audience AS a
    ON l.specialty IN UNNEST(a.specialties)
    AND l.practice_size_band IN UNNEST(a.practice_size_bands)
    AND l.icp_score >= a.min_icp_score
    AND l.has_email
  JOIN segmented.holdout AS h ON h.person_id = l.person_id AND h.experiment = a.experiment
  -- Two audiences of one experiment that overlap would contact a person twice: the first name in the alphabet keeps the
  -- person.
  WHERE TRUE -- BigQuery takes no QUALIFY without it
  QUALIFY ROW_NUMBER() OVER (PARTITION BY l.person_id, a.experiment ORDER BY a.audience_id) = 1
) AS s
ON t.audience_id = s.audience_id AND t.person_id = s.person_id
WHEN MATCHED THEN UPDATE SET arm = s.arm, as_of = s.as_of
WHEN NOT MATCHED BY TARGET THEN INSERT (audience_id, person_id, arm, as_of)
  VALUES (s.audience_id, s.person_id, s.arm, s.as_of)
WHEN NOT MATCHED BY SOURCE THEN DELETE;
END IF;
