-- Who of @person_ids may not get e-mail now, by person, by the address that we know, by the one that a destination
-- holds or by the one that is about to go out. @planned: JSON array of person_id and that address, which may be another
-- one than we know by now. Opt-outs are not bound to a point in time: one that is known counts. by_person: it holds for
-- the person on every address.
-- @person_ids ARRAY<STRING>, @planned STRING.
WITH blocked AS (
  SELECT identifier_type, identifier_hash FROM clean.suppression WHERE channel IN ('email', 'all')
  UNION DISTINCT
  -- An opt-out of a person closes the person's inbox for everybody who shares it.
  SELECT 'email', TO_HEX(SHA256(LOWER(TRIM(c.email)))) FROM enriched.contact AS c
  JOIN clean.suppression AS s ON s.identifier_type = 'person' AND s.identifier_hash = c.person_id
  WHERE s.channel IN ('email', 'all') AND c.email IS NOT NULL
),
address AS (
  SELECT person_id, TO_HEX(SHA256(LOWER(TRIM(email)))) AS email_hash FROM enriched.contact
  WHERE email IS NOT NULL AND person_id IN UNNEST(@person_ids)
  UNION DISTINCT
  SELECT person_id, TO_HEX(SHA256(LOWER(TRIM(JSON_VALUE(payload, '$.email'))))) FROM activation.sync_state
  WHERE JSON_VALUE(payload, '$.email') IS NOT NULL AND person_id IN UNNEST(@person_ids)
  UNION DISTINCT
  SELECT JSON_VALUE(s, '$.person_id'), TO_HEX(SHA256(LOWER(TRIM(JSON_VALUE(s, '$.email')))))
  FROM UNNEST(JSON_QUERY_ARRAY(@planned)) AS s
  WHERE JSON_VALUE(s, '$.email') IS NOT NULL
)
SELECT person_id, LOGICAL_OR(by_person) AS by_person
FROM (
  SELECT identifier_hash AS person_id, TRUE AS by_person FROM blocked
  WHERE identifier_type = 'person' AND identifier_hash IN UNNEST(@person_ids)
  UNION ALL
  SELECT a.person_id, FALSE FROM address AS a
  JOIN blocked AS b ON b.identifier_type = 'email' AND b.identifier_hash = a.email_hash
) AS found
GROUP BY person_id
