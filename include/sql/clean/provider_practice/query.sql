-- clean.provider -> clean.provider_practice: who works together. A location (street line and ZIP5, clean.provider.practice_id) is one
-- practice, unless its providers give units that no telephone joins: then each unit is one. Who gives no unit goes where the telephone
-- is, else to the only practice, else to the largest. The largest practice of a location keeps the location's id.
CREATE TEMP TABLE present AS
SELECT
  npi, practice_id AS location_id, entity_type, first_name, last_name, organization_name, sole_proprietor, phone_e164 AS phone,
  authorized_official_first_name AS official_first, authorized_official_last_name AS official_last,
  specialty NOT IN ('hygienist', 'assistant', 'dental_therapist', 'denturist', 'laboratory_technician', 'clinic', 'laboratory') AS is_dentist,
  NULLIF(REGEXP_REPLACE(REGEXP_REPLACE(UPPER(IFNULL(address_line_2, '')), r'^(SUITE|STE|UNIT|ROOM|RM|APT|NO|#)[ .#]*', ''), r'[^A-Z0-9]', ''), '') AS unit
FROM clean.provider
WHERE practice_id IS NOT NULL;

-- Units that share a telephone are one practice; twice, so that a chain of three is found. The smallest unit names it.
CREATE TEMP TABLE suite AS
WITH by_phone AS (
  SELECT location_id, phone, MIN(unit) AS unit FROM present WHERE unit IS NOT NULL AND phone IS NOT NULL GROUP BY location_id, phone
),
once AS (
  SELECT p.location_id, p.unit, MIN(COALESCE(b.unit, p.unit)) AS joined
  FROM present AS p LEFT JOIN by_phone AS b ON b.location_id = p.location_id AND b.phone = p.phone
  WHERE p.unit IS NOT NULL GROUP BY p.location_id, p.unit
)
SELECT a.location_id, a.unit, LEAST(a.joined, COALESCE(b.joined, a.joined)) AS joined
FROM once AS a LEFT JOIN once AS b ON b.location_id = a.location_id AND b.unit = a.joined;

CREATE TEMP TABLE suite_rank AS
SELECT
  p.location_id, s.joined, COUNT(*) OVER (PARTITION BY p.location_id) AS suites,
  ROW_NUMBER() OVER (PARTITION BY p.location_id ORDER BY COUNTIF(p.entity_type = 'organization') DESC, COUNT(*) DESC, s.joined) AS place
FROM present AS p JOIN suite AS s ON s.location_id = p.location_id AND s.unit = p.unit
GROUP BY p.location_id, s.joined;

CREATE TEMP TABLE suite_phone AS
SELECT p.location_id, p.phone, MIN(s.joined) AS joined
FROM present AS p JOIN suite AS s ON s.location_id = p.location_id AND s.unit = p.unit
WHERE p.phone IS NOT NULL GROUP BY p.location_id, p.phone;

CREATE TEMP TABLE placed AS
SELECT
  p.*,
  COALESCE(r.joined, main.joined) AS joined,
  IFNULL(main.suites, 1) AS suites,
  IF(IFNULL(r.place, 1) = 1, p.location_id, CONCAT('o', SUBSTR(TO_HEX(SHA256(CONCAT(p.location_id, '|', r.joined))), 1, 20))) AS practice_id,
  CASE
    WHEN IFNULL(main.suites, 1) = 1 AND p.unit IS NULL THEN 2
    WHEN r.joined IS NOT NULL THEN 1
    ELSE 3
  END AS tier,
  CASE
    WHEN IFNULL(main.suites, 1) = 1 THEN 'the only practice at this street address'
    WHEN s.joined IS NOT NULL THEN CONCAT('unit ', p.unit, ' of a building with ', CAST(main.suites AS STRING), ' practices')
    WHEN r.joined IS NOT NULL THEN CONCAT('no unit, but the telephone of unit ', r.joined)
    ELSE CONCAT('neither unit nor telephone: the largest of ', CAST(main.suites AS STRING), ' practices')
  END AS place_evidence
FROM present AS p
LEFT JOIN suite AS s ON s.location_id = p.location_id AND s.unit = p.unit
LEFT JOIN suite_phone AS f ON f.location_id = p.location_id AND f.phone = p.phone
LEFT JOIN suite_rank AS r ON r.location_id = p.location_id AND r.joined = COALESCE(s.joined, f.joined)
LEFT JOIN suite_rank AS main ON main.location_id = p.location_id AND main.place = 1;

MERGE clean.provider_practice AS t
USING (
  WITH practice AS (
    SELECT practice_id, COUNTIF(entity_type = 'organization') AS organizations, COUNTIF(is_dentist AND entity_type = 'individual') AS dentists
    FROM placed GROUP BY practice_id
  ),
  official AS (
    SELECT practice_id, UPPER(official_last) AS signing_last, SUBSTR(UPPER(official_first), 1, 3) AS signing_first, MIN(npi) AS organization_npi
    FROM placed WHERE entity_type = 'organization' AND official_last IS NOT NULL
    GROUP BY practice_id, signing_last, signing_first
  ),
  -- Jr and Sr sign with the same letters: an official who fits two dentists of a practice makes neither an owner.
  signing AS (
    SELECT p.npi, o.organization_npi, COUNT(*) OVER (PARTITION BY p.practice_id, o.signing_last, o.signing_first) AS fits
    FROM placed AS p
    JOIN official AS o ON o.practice_id = p.practice_id AND o.signing_last = p.last_name AND o.signing_first = SUBSTR(p.first_name, 1, 3)
    WHERE p.entity_type = 'individual' AND p.is_dentist
  ),
  roled AS (
    SELECT
      p.npi, p.practice_id, p.tier, p.place_evidence,
      CASE
        WHEN p.entity_type = 'organization' THEN 'organization'
        WHEN g.npi IS NOT NULL THEN 'owner'
        WHEN p.is_dentist AND c.organizations = 0 AND c.dentists = 1 THEN 'owner'
        WHEN p.is_dentist THEN 'associate'
        ELSE 'staff'
      END AS role,
      CASE
        WHEN p.entity_type = 'organization' THEN 'an organisation NPI at this address'
        WHEN g.npi IS NOT NULL THEN CONCAT('signs as authorized official of organisation ', g.organization_npi)
        WHEN p.is_dentist AND c.organizations = 0 AND c.dentists = 1 THEN CONCAT('the only dentist, and no organisation', IF(p.sole_proprietor, '; sole proprietor', ''))
        WHEN p.is_dentist THEN 'a dentist who signs for no organisation here'
        ELSE 'not a dentist'
      END AS role_evidence
    FROM placed AS p
    JOIN practice AS c ON c.practice_id = p.practice_id
    LEFT JOIN signing AS g ON g.npi = p.npi AND g.fits = 1
  )
  SELECT npi, practice_id, role, TRUE AS is_primary, tier, [place_evidence, role_evidence] AS evidence FROM roled
) AS s
ON t.npi = s.npi AND t.practice_id = s.practice_id
WHEN MATCHED AND (t.role != s.role OR t.tier != s.tier OR ARRAY_TO_STRING(t.evidence, '|') != ARRAY_TO_STRING(s.evidence, '|'))
  THEN UPDATE SET role = s.role, is_primary = s.is_primary, tier = s.tier, evidence = s.evidence
WHEN NOT MATCHED BY TARGET THEN
  INSERT (npi, practice_id, role, is_primary, tier, evidence) VALUES (s.npi, s.practice_id, s.role, s.is_primary, s.tier, s.evidence)
WHEN NOT MATCHED BY SOURCE THEN DELETE;

BEGIN TRANSACTION;

DELETE FROM ops.balance WHERE table_name = 'clean.provider_practice';

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider_practice', 'in', 'clean.provider', COUNT(*) FROM clean.provider
UNION ALL
SELECT 'clean.provider_practice', 'out', 'clean.provider_practice', COUNT(*) FROM clean.provider_practice
UNION ALL
SELECT 'clean.provider_practice', 'filtered', 'no_location', COUNT(*) FROM clean.provider WHERE practice_id IS NULL;

COMMIT TRANSACTION;
