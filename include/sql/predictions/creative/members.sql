-- Who is to be contacted, with the newest lead score that was known at @as_of. A person held out of any audience is not
-- in it.
-- @as_of TIMESTAMP.
WITH member AS (
  SELECT person_id FROM segmented.audience_member GROUP BY person_id HAVING LOGICAL_AND(arm = 'treatment')
),
scored AS (
  SELECT person_id, score, rank_pct, model_version
  FROM predictions.lead_score
  WHERE as_of <= @as_of AND as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 35 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
)
SELECT m.person_id, l.practice_size_band, s.score, s.rank_pct, s.model_version
FROM member AS m
JOIN segmented.lead AS l ON l.person_id = m.person_id
LEFT JOIN scored AS s ON s.person_id = m.person_id
ORDER BY person_id
