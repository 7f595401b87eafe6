-- Leads that Instantly holds: those suppressed since, and what the others' payload would be at @as_of. A person who
-- left the audience has no facts (audience_id is NULL) and keeps the payload.
-- @as_of TIMESTAMP.
WITH blocked AS (
  SELECT identifier_type, identifier_hash FROM clean.suppression WHERE channel IN ('email', 'all')
  UNION DISTINCT
  -- An opt-out of a person closes the person's inbox for everybody who shares it.
  SELECT 'email', TO_HEX(SHA256(LOWER(TRIM(c.email)))) FROM enriched.contact AS c
  JOIN clean.suppression AS s ON s.identifier_type = 'person' AND s.identifier_hash = c.person_id
  WHERE s.channel IN ('email', 'all') AND c.email IS NOT NULL
),
scored AS (
  SELECT person_id, score, rank_pct FROM predictions.lead_score
  WHERE as_of <= @as_of AND as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 35 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
),
chosen AS (
  SELECT person_id, content_block_id FROM predictions.creative
  WHERE as_of <= @as_of AND as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 35 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
),
held AS (
  SELECT *, TO_HEX(SHA256(LOWER(TRIM(JSON_VALUE(payload, '$.email'))))) AS email_hash
  FROM activation.sync_state
  WHERE destination = 'instantly' AND status = 'active'
)
SELECT
  y.person_id,
  y.remote_id,
  y.campaign_id,
  TO_JSON_STRING(y.payload) AS held_payload,
  y.sent_at AS held_since,
  bp.identifier_hash IS NOT NULL OR be.identifier_hash IS NOT NULL OR bc.identifier_hash IS NOT NULL AS suppressed,
  m.audience_id,
  JSON_VALUE(y.payload, '$.email') AS email,
  p.first_name,
  p.last_name,
  l.company_name,
  c.phone_e164 AS phone,
  p.city,
  p.state,
  l.specialty,
  l.icp_score,
  s.score,
  s.rank_pct,
  x.content_block_id
FROM held AS y
LEFT JOIN segmented.audience_member AS m ON m.person_id = y.person_id AND m.audience_id = y.audience_id
  AND m.arm = 'treatment'
LEFT JOIN segmented.lead AS l ON l.person_id = m.person_id
LEFT JOIN clean.provider AS p ON p.npi = l.npi
LEFT JOIN enriched.contact AS c ON c.person_id = y.person_id
LEFT JOIN chosen AS x ON x.person_id = m.person_id
LEFT JOIN scored AS s ON s.person_id = m.person_id
LEFT JOIN blocked AS bp ON bp.identifier_type = 'person' AND bp.identifier_hash = y.person_id
LEFT JOIN blocked AS be ON be.identifier_type = 'email' AND be.identifier_hash = y.email_hash
LEFT JOIN blocked AS bc ON bc.identifier_type = 'email' AND bc.identifier_hash = TO_HEX(SHA256(LOWER(TRIM(c.email))))
ORDER BY y.person_id
