-- Identifiers that belong to one person alone -> clean.identity. An individual NPI is the person; a license follows its
-- match; a telephone belongs to a person only where nobody else, and no organization, publishes it, at a further
-- location neither.
MERGE clean.identity AS t
USING (
  WITH person AS (
    SELECT npi, person_id, phone_e164 FROM clean.provider WHERE entity_type = 'individual' AND person_id IS NOT NULL
  ),
  own_phone AS (
    SELECT phone_e164
    FROM (SELECT npi, phone_e164 FROM clean.provider UNION ALL SELECT npi, phone_e164 FROM clean.provider_location)
    WHERE phone_e164 IS NOT NULL
    GROUP BY phone_e164 HAVING COUNT(DISTINCT npi) = 1
  ),
  told AS (
    SELECT 'npi' AS identifier_type, npi AS value, person_id, 0 AS tier, CAST(NULL AS FLOAT64) AS score,
      ['given by CMS to one person'] AS evidence FROM person
    UNION ALL
    SELECT 'license', m.license_key, p.person_id, m.tier, m.score, m.evidence
    FROM clean.license_match AS m JOIN person AS p ON p.npi = m.npi
    UNION ALL
    SELECT 'phone', p.phone_e164, p.person_id, 1, NULL, ['published by this person alone']
    FROM person AS p JOIN own_phone AS o ON o.phone_e164 = p.phone_e164
  )
  SELECT identifier_type, TO_HEX(SHA256(value)) AS identifier_hash, person_id, tier, score, evidence FROM told
) AS s
ON t.identifier_type = s.identifier_type AND t.identifier_hash = s.identifier_hash
WHEN MATCHED AND (
  t.person_id != s.person_id OR t.tier != s.tier OR t.score IS DISTINCT FROM s.score
  OR ARRAY_TO_STRING(t.evidence, '|') != ARRAY_TO_STRING(s.evidence, '|')
) THEN UPDATE SET person_id = s.person_id, tier = s.tier, score = s.score, evidence = s.evidence
WHEN NOT MATCHED BY TARGET THEN
  INSERT (identifier_type, identifier_hash, person_id, tier, score, evidence)
  VALUES (s.identifier_type, s.identifier_hash, s.person_id, s.tier, s.score, s.evidence)
WHEN NOT MATCHED BY SOURCE THEN DELETE
