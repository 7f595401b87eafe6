-- Addresses that may get no e-mail and do not stand on @destination's block list, as far as it showed us.
-- clean.suppression has hashes
-- alone: the addresses are those that we bought, that a destination holds, and that an event of @first_day or later
-- names, whoever's
-- they are. An address that only its hash is left of is none that we could send to.
-- @destination STRING, @first_day DATE.
WITH stopped AS (
  SELECT DISTINCT identifier_type, identifier_hash FROM clean.suppression WHERE channel IN ('email', 'all')
),
named AS (
  SELECT LOWER(TRIM(email)) AS email, person_id FROM enriched.contact WHERE email IS NOT NULL
  UNION DISTINCT
  SELECT LOWER(TRIM(JSON_VALUE(payload, '$.email'))), person_id FROM activation.sync_state
  WHERE JSON_VALUE(payload, '$.email') IS NOT NULL
  UNION DISTINCT
  -- What a vendor answered and we did not take may be another person's: it is stopped as an address only.
  SELECT LOWER(TRIM(email)), CAST(NULL AS STRING) FROM enriched.answer WHERE email IS NOT NULL
  UNION DISTINCT
  SELECT LOWER(written), CAST(NULL AS STRING)
  FROM raw.event
  CROSS JOIN UNNEST(REGEXP_EXTRACT_ALL(body, r"""[^\s<>()\[\],;:"'@\\]+@[^\s<>()\[\],;:"'@?/\\]+""")) AS written
  WHERE received_date >= @first_day
),
hashed AS (
  SELECT email, person_id, TO_HEX(SHA256(email)) AS email_hash FROM named
  WHERE REGEXP_CONTAINS(email, r'^[^\s@]+@[^\s@]+[.][^\s@]+$')
),
wanted AS (
  SELECT h.email, h.email_hash FROM hashed AS h
  JOIN stopped AS s ON s.identifier_type = 'email' AND s.identifier_hash = h.email_hash
  UNION DISTINCT
  SELECT h.email, h.email_hash FROM hashed AS h
  JOIN stopped AS s ON s.identifier_type = 'person' AND s.identifier_hash = h.person_id
)
SELECT w.email
FROM wanted AS w
LEFT JOIN activation.block_list AS b
  ON b.destination = @destination AND b.email_hash = w.email_hash AND b.status = 'blocked'
WHERE b.email_hash IS NULL
ORDER BY w.email
