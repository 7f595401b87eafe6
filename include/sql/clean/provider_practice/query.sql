-- clean.provider, clean.provider_location -> clean.provider_practice: who works where. A location (street line and
-- ZIP5) is one practice, unless its providers give units that no telephone joins: then each unit is one. Who gives no
-- unit goes where the telephone is, else to the only practice, else to the one whose unit files have named for the
-- longest. Secondary locations are placed alike, but join no units: somebody who works in two practices of a building
-- does not make one of them.
--
-- That longest-known practice of a location has the location's id; the others have a hash of location and longest-known
-- unit. So an id follows from place and time, never from who works there or how many: it stays when people come and go
-- (docs/adr/0031).
CREATE TEMP FUNCTION unit_of(line STRING) AS (
  NULLIF(REGEXP_REPLACE(REGEXP_REPLACE(UPPER(IFNULL(line, '')), r'^(SUITE|STE|UNIT|ROOM|RM|APT|NO|#)[ .#]*', ''),
    r'[^A-Z0-9]', ''), '')
);

CREATE TEMP TABLE present AS
WITH working AS (
  SELECT npi, TRUE AS is_primary, practice_id AS location_id, address_key, address_line_2, phone_e164
  FROM clean.provider
  WHERE practice_id IS NOT NULL
  UNION ALL
  SELECT npi, FALSE, location_key, address_key, address_line_2, phone_e164
  FROM clean.provider_location
  WHERE location_key IS NOT NULL
)
SELECT
  w.npi, w.is_primary, w.location_id, w.address_key, unit_of(w.address_line_2) AS unit, w.phone_e164 AS phone,
  p.entity_type, p.first_name, p.last_name, p.sole_proprietor,
  p.authorized_official_first_name AS official_first, p.authorized_official_last_name AS official_last,
  p.specialty NOT IN ('hygienist', 'assistant', 'dental_therapist', 'denturist', 'laboratory_technician', 'clinic',
    'laboratory') AS is_dentist
FROM working AS w JOIN clean.provider AS p ON p.npi = w.npi;

-- Units that share a telephone are one practice; twice, so that a chain of three is found.
CREATE TEMP TABLE suite AS
WITH by_phone AS (
  SELECT location_id, phone, MIN(unit) AS unit FROM present
  WHERE is_primary AND unit IS NOT NULL AND phone IS NOT NULL GROUP BY location_id, phone
),
once AS (
  SELECT p.location_id, p.unit, MIN(COALESCE(b.unit, p.unit)) AS joined
  FROM present AS p LEFT JOIN by_phone AS b ON b.location_id = p.location_id AND b.phone = p.phone AND p.is_primary
  WHERE p.unit IS NOT NULL GROUP BY p.location_id, p.unit
)
SELECT a.location_id, a.unit, LEAST(a.joined, COALESCE(b.joined, a.joined)) AS joined
FROM once AS a LEFT JOIN once AS b ON b.location_id = a.location_id AND b.unit = a.joined;

-- The order in which files first named the units of each location; on the same day the smaller one comes first.
CREATE TEMP TABLE known_unit AS
WITH first_file AS (
  SELECT address_key, MIN(file_date) AS file_date FROM clean.provider_version WHERE address_key IS NOT NULL
    GROUP BY address_key
),
told AS (
  SELECT a.location_key, unit_of(a.unit) AS known, f.file_date FROM first_file AS f
    JOIN clean.address AS a ON a.address_key = f.address_key
)
SELECT location_key AS location_id, known AS unit, ROW_NUMBER()
  OVER (PARTITION BY location_key ORDER BY MIN(file_date), known) AS place
FROM told
WHERE location_key IS NOT NULL AND known IS NOT NULL
GROUP BY location_key, known;

-- The practices of the locations where units are given, in that order: `suites` of them.
CREATE TEMP TABLE named AS
WITH longest AS (
  SELECT s.location_id, s.joined, MIN(k.place) AS place, MIN_BY(s.unit, k.place) AS unit
  FROM suite AS s JOIN known_unit AS k ON k.location_id = s.location_id AND k.unit = s.unit
  GROUP BY s.location_id, s.joined
),
ranked AS (
  SELECT *, COUNT(*) OVER (PARTITION BY location_id) AS suites, ROW_NUMBER()
    OVER (PARTITION BY location_id ORDER BY place) AS choice
  FROM longest
)
SELECT
  location_id, joined, suites,
  IF(choice = 1, location_id, CONCAT('o', SUBSTR(TO_HEX(SHA256(CONCAT(location_id, '|', unit))), 1, 20))) AS practice_id
FROM ranked;

CREATE TEMP TABLE suite_phone AS
SELECT p.location_id, p.phone, MIN(s.joined) AS joined
FROM present AS p JOIN suite AS s ON s.location_id = p.location_id AND s.unit = p.unit
WHERE p.is_primary AND p.phone IS NOT NULL GROUP BY p.location_id, p.phone;

CREATE TEMP TABLE placed AS
WITH chosen AS (
  SELECT
    p.*, n.suites,
    COALESCE(o.practice_id, p.location_id) AS practice_id,
    CASE
      WHEN IFNULL(n.suites, 1) = 1 AND p.unit IS NULL THEN 2
      WHEN o.joined IS NOT NULL THEN 1
      ELSE 3
    END AS tier,
    CONCAT(IF(p.is_primary, '', 'a further practice location: '), CASE
      WHEN IFNULL(n.suites, 1) = 1 THEN 'the only practice at this street address'
      WHEN s.joined IS NOT NULL THEN CONCAT('unit ', p.unit, ' of a building with ', CAST(n.suites AS STRING),
        ' practices')
      WHEN o.joined IS NOT NULL THEN CONCAT('no unit, but the telephone of unit ', o.joined)
      ELSE CONCAT('neither unit nor telephone: the one of ', CAST(n.suites AS STRING),
        ' practices that is known for the longest')
    END) AS place_evidence
  FROM present AS p
  LEFT JOIN suite AS s ON s.location_id = p.location_id AND s.unit = p.unit
  LEFT JOIN suite_phone AS f ON f.location_id = p.location_id AND f.phone = p.phone
  LEFT JOIN named AS o ON o.location_id = p.location_id AND o.joined = COALESCE(s.joined, f.joined)
  LEFT JOIN (SELECT DISTINCT location_id, suites FROM named) AS n ON n.location_id = p.location_id
)
-- Several published addresses may be one practice: the NPI is there once, by its own practice address if that is one of
-- them.
SELECT * FROM chosen
WHERE TRUE -- BigQuery takes no QUALIFY without it
QUALIFY ROW_NUMBER() OVER (PARTITION BY npi, practice_id ORDER BY is_primary DESC, tier, address_key) = 1;

MERGE clean.provider_practice AS t
USING (
  WITH practice AS (
    SELECT
      practice_id, COUNTIF(entity_type = 'organization') AS organizations,
      COUNTIF(is_primary AND is_dentist AND entity_type = 'individual') AS dentists
    FROM placed GROUP BY practice_id
  ),
  official AS (
    SELECT practice_id, UPPER(official_last) AS signing_last, SUBSTR(UPPER(official_first), 1, 3) AS signing_first,
      MIN(npi) AS organization_npi
    FROM placed WHERE entity_type = 'organization' AND official_last IS NOT NULL
    GROUP BY practice_id, signing_last, signing_first
  ),
  -- Jr and Sr sign with the same letters: an official who fits two dentists of a practice makes neither an owner.
  signing AS (
    SELECT p.npi, p.practice_id, o.organization_npi, COUNT(*)
      OVER (PARTITION BY p.practice_id, o.signing_last, o.signing_first) AS fits
    FROM placed AS p
    JOIN official AS o ON o.practice_id = p.practice_id AND o.signing_last = p.last_name
      AND o.signing_first = SUBSTR(p.first_name, 1, 3)
    WHERE p.entity_type = 'individual' AND p.is_dentist
  ),
  roled AS (
    SELECT
      p.npi, p.practice_id, p.is_primary, p.location_id, p.address_key, p.tier, p.place_evidence,
      CASE
        WHEN p.entity_type = 'organization' THEN 'organization'
        WHEN g.npi IS NOT NULL THEN 'owner'
        WHEN p.is_primary AND p.is_dentist AND c.organizations = 0 AND c.dentists = 1 THEN 'owner'
        WHEN p.is_dentist THEN 'associate'
        ELSE 'staff'
      END AS role,
      CASE
        WHEN p.entity_type = 'organization' THEN 'an organization NPI at this address'
        WHEN g.npi IS NOT NULL THEN CONCAT('signs as authorized official of organization ', g.organization_npi)
        WHEN p.is_primary AND p.is_dentist AND c.organizations = 0 AND c.dentists = 1
          THEN CONCAT('the only dentist, and no organization', IF(p.sole_proprietor, '; sole proprietor', ''))
        WHEN p.is_dentist THEN 'a dentist who signs for no organization here'
        ELSE 'not a dentist'
      END AS role_evidence
    FROM placed AS p
    JOIN practice AS c ON c.practice_id = p.practice_id
    LEFT JOIN signing AS g ON g.npi = p.npi AND g.practice_id = p.practice_id AND g.fits = 1
  )
  SELECT npi, practice_id, role, is_primary, location_id, address_key, tier, [place_evidence, role_evidence] AS evidence
    FROM roled
) AS s
ON t.npi = s.npi AND t.practice_id = s.practice_id
WHEN MATCHED AND (
  t.role != s.role OR t.is_primary != s.is_primary OR t.location_id IS DISTINCT FROM s.location_id
  OR t.address_key IS DISTINCT FROM s.address_key OR t.tier != s.tier
    OR ARRAY_TO_STRING(t.evidence, '|') != ARRAY_TO_STRING(s.evidence, '|')
) THEN UPDATE SET
  role = s.role, is_primary = s.is_primary, location_id = s.location_id, address_key = s.address_key, tier = s.tier,
    evidence = s.evidence
WHEN NOT MATCHED BY TARGET THEN
  INSERT (npi, practice_id, role, is_primary, location_id, address_key, tier, evidence)
  VALUES (s.npi, s.practice_id, s.role, s.is_primary, s.location_id, s.address_key, s.tier, s.evidence)
WHEN NOT MATCHED BY SOURCE THEN DELETE;

BEGIN TRANSACTION;

DELETE FROM ops.balance WHERE table_name = 'clean.provider_practice';

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider_practice', 'in', 'clean.provider', COUNT(*) FROM clean.provider
UNION ALL
SELECT 'clean.provider_practice', 'in', 'clean.provider_location', COUNT(*) FROM clean.provider_location
UNION ALL
SELECT 'clean.provider_practice', 'out', IF(is_primary, 'primary', 'further'), COUNT(*) FROM clean.provider_practice
  GROUP BY is_primary
UNION ALL
SELECT 'clean.provider_practice', 'filtered', 'no_location', COUNT(*) FROM clean.provider WHERE practice_id IS NULL
UNION ALL
SELECT 'clean.provider_practice', 'filtered', 'secondary_without_location', COUNT(*) FROM clean.provider_location
  WHERE location_key IS NULL
UNION ALL
SELECT 'clean.provider_practice', 'filtered', 'secondary_at_same_practice',
  (SELECT COUNT(*) FROM present) - (SELECT COUNT(*) FROM placed);

COMMIT TRANSACTION;
