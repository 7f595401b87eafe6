-- Persons whom Instantly may contact for the first time, best first: treatment arm, usable e-mail, a content block
-- chosen, not suppressed.
-- @as_of; @capacity: how many more the week takes. Earlier refusals are added to it, because they take no room.
-- @as_of TIMESTAMP, @capacity INT64.
WITH blocked AS (
  SELECT identifier_type, identifier_hash FROM clean.suppression WHERE channel IN ('email', 'all')
  UNION DISTINCT
  -- An opt-out of a person closes the person's inbox for everybody who shares it.
  SELECT 'email', TO_HEX(SHA256(LOWER(TRIM(c.email)))) FROM enriched.contact AS c
  JOIN clean.suppression AS s ON s.identifier_type = 'person' AND s.identifier_hash = c.person_id
  WHERE s.channel IN ('email', 'all') AND c.email IS NOT NULL
),
scored AS (
  SELECT person_id, probability, score, rank_pct FROM predictions.lead_score
  WHERE as_of <= @as_of AND as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 35 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
),
chosen AS (
  SELECT person_id, content_block_id FROM predictions.creative
  WHERE as_of <= @as_of AND as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 35 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
),
-- Two dentists may share an inbox: whoever is held out, and whoever was contacted, keeps it for all.
closed_inbox AS (
  SELECT LOWER(TRIM(c.email)) AS email FROM enriched.contact AS c
  JOIN segmented.holdout AS h ON h.person_id = c.person_id AND h.arm = 'holdout'
  WHERE c.email IS NOT NULL
  UNION DISTINCT
  SELECT LOWER(TRIM(JSON_VALUE(payload, '$.email'))) FROM activation.sync_state
  WHERE destination = 'instantly' AND JSON_VALUE(payload, '$.email') IS NOT NULL
),
candidate AS (
  SELECT
    m.person_id,
    m.audience_id,
    a.name AS audience_name,
    LOWER(TRIM(c.email)) AS email,
    p.first_name,
    p.last_name,
    l.company_name,
    c.phone_e164 AS phone,
    p.city,
    p.state,
    l.specialty,
    l.icp_score,
    s.probability,
    s.score,
    s.rank_pct,
    x.content_block_id
  FROM segmented.audience_member AS m
  JOIN segmented.audience AS a ON a.audience_id = m.audience_id AND a.channel = 'email'
  JOIN segmented.lead AS l ON l.person_id = m.person_id
  JOIN clean.provider AS p ON p.npi = l.npi AND p.is_active
  JOIN enriched.contact AS c ON c.npi = l.npi AND c.usable_email
  JOIN chosen AS x ON x.person_id = m.person_id
  LEFT JOIN scored AS s ON s.person_id = m.person_id
  LEFT JOIN activation.sync_state AS y ON y.person_id = m.person_id AND y.destination = 'instantly'
  LEFT JOIN segmented.holdout AS h ON h.person_id = m.person_id AND h.arm = 'holdout'
  LEFT JOIN blocked AS bp ON bp.identifier_type = 'person' AND bp.identifier_hash = m.person_id
  LEFT JOIN blocked AS be ON be.identifier_type = 'email' AND be.identifier_hash = TO_HEX(SHA256(LOWER(TRIM(c.email))))
  LEFT JOIN closed_inbox AS i ON i.email = LOWER(TRIM(c.email))
  WHERE m.arm = 'treatment'
    AND y.person_id IS NULL
    AND h.person_id IS NULL
    AND bp.identifier_hash IS NULL
    AND be.identifier_hash IS NULL
    AND i.email IS NULL
    AND p.first_name IS NOT NULL
    AND p.last_name IS NOT NULL
),
one_per_inbox AS (
  SELECT * FROM candidate
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY email ORDER BY probability IS NULL, probability DESC, icp_score DESC,
    person_id) = 1
),
ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (ORDER BY probability IS NULL, probability DESC, icp_score DESC, person_id) AS place,
    COUNT(*) OVER () AS candidates
  FROM one_per_inbox
)
SELECT * FROM ranked
-- One row at least, for it says how many are held back.
WHERE place <= GREATEST(
  1,
  @capacity + (SELECT COUNT(DISTINCT person_id) FROM activation.rejection WHERE destination = 'instantly'
    AND operation = 'create')
)
ORDER BY place
