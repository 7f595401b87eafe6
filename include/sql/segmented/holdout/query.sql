-- Assign persons who qualify for an audience for the first time. Insert only: changing a share later never moves
-- anybody.
-- @as_of TIMESTAMP.
MERGE segmented.holdout AS t
USING (
  WITH qualified AS (
    SELECT l.person_id, a.experiment, MAX(a.holdout_share) AS holdout_share
    FROM segmented.lead AS l
    JOIN segmented.audience AS a
      ON l.specialty IN UNNEST(a.specialties)
      AND l.practice_size_band IN UNNEST(a.practice_size_bands)
      AND l.icp_score >= a.min_icp_score
      AND l.has_email
    GROUP BY l.person_id, a.experiment
  ),
  bucketed AS (
    SELECT
      person_id,
      experiment,
      holdout_share,
      MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CONCAT(experiment, ':', person_id))), 1, 8)) AS INT64), 100) AS bucket
    FROM qualified
  )
  SELECT person_id, experiment, bucket, IF(bucket < ROUND(holdout_share * 100), 'holdout', 'treatment') AS arm
  FROM bucketed
) AS s
ON t.person_id = s.person_id AND t.experiment = s.experiment
WHEN NOT MATCHED THEN INSERT (person_id, experiment, arm, bucket, assigned_as_of)
VALUES (s.person_id, s.experiment, s.arm, s.bucket, @as_of);
