-- clean.provider_practice -> clean.practice: each practice with its size, and whom it belongs to, by public signals.
-- What ties practices together, each a key over organizations: a parent organization; one authorized official with one
-- telephone; a common telephone; a common name; the secondary locations of one organization. A practice belongs to the
-- tie with the most locations. A chain of ties (A shares an official with B, B a telephone with C) is not followed: one
-- common name of an official would make one group of half the country.
--
-- Everybody counts once, where their own practice address is: a dentist with eleven locations makes one practice
-- larger, not eleven. Who publishes a place as a secondary location speaks for it (name, telephone, ties) only where
-- nobody has an address of their own, or, an organization, where no other one has and a telephone there is its own: a
-- mobile service does not name the offices that it visits.
CREATE TEMP TABLE member AS
WITH told AS (
  SELECT
    m.practice_id, m.role, m.is_primary, p.npi, p.entity_type, m.location_id,
    IF(m.is_primary, p.address_line_1, l.address_line_1) AS address_line_1,
    IF(m.is_primary, p.address_line_2, l.address_line_2) AS address_line_2,
    IF(m.is_primary, p.city, l.city) AS city, IF(m.is_primary, p.state, l.state) AS state,
    IF(m.is_primary, p.zip5, l.zip5) AS zip5,
    IF(m.is_primary, p.phone_e164, l.phone_e164) AS phone_e164,
    p.specialty IN ('hygienist', 'assistant', 'dental_therapist', 'denturist', 'laboratory_technician') AS is_staff,
    p.organization_name, IF(ARRAY_LENGTH(p.brand_names) > 0, p.brand_names[OFFSET(0)], NULL) AS brand_name,
    -- The legal form apart: Bright Smiles PLLC and Bright Smiles, Inc. are one name.
    TRIM(REGEXP_REPLACE(
      REGEXP_REPLACE(
        UPPER(COALESCE(IF(ARRAY_LENGTH(p.brand_names) > 0, p.brand_names[OFFSET(0)], NULL), p.organization_name)),
        r'[^A-Z0-9 ]', ''),
      r' (PC|PLLC|LLC|LLP|INC|PA|LTD|CORP|CO|DDS|DMD|APC|PROFESSIONAL CORPORATION|PROF CORP)\b', '')) AS common_name,
    IF(r.is_organization_subpart = 'Y', NULLIF(NULLIF(UPPER(TRIM(r.parent_organization_lbn)), ''), '<UNAVAIL>'), NULL)
      AS parent,
    CONCAT(p.authorized_official_first_name, ' ', p.authorized_official_last_name, '|',
      NULLIF(TRIM(r.authorized_official_telephone_number), '')) AS official
  FROM clean.provider_practice AS m
  JOIN clean.provider AS p ON p.npi = m.npi
  LEFT JOIN clean.provider_location AS l ON l.npi = m.npi AND l.address_key = m.address_key AND NOT m.is_primary
  LEFT JOIN raw.nppes_npi AS r
    ON r.npi = p.npi AND r.file_date = p.source_file_date AND r.source_object = p.source_object
      AND r.line = p.source_line
      AND p.entity_type = 'organization'
),
own AS (
  SELECT practice_id, COUNTIF(entity_type = 'organization') AS organizations,
    ARRAY_AGG(DISTINCT phone_e164 IGNORE NULLS) AS phones
  FROM told WHERE is_primary GROUP BY practice_id
)
SELECT
  t.*,
  t.is_primary OR o.practice_id IS NULL
    OR (t.entity_type = 'organization' AND o.organizations = 0 AND IFNULL(t.phone_e164 IN UNNEST(o.phones), FALSE))
      AS speaks
FROM told AS t LEFT JOIN own AS o ON o.practice_id = t.practice_id;

CREATE TEMP TABLE tie AS
WITH speaking AS (SELECT * FROM member WHERE speaks),
told AS (
  SELECT DISTINCT practice_id, location_id, is_primary, 'parent' AS kind, 1 AS place, parent AS value FROM speaking
    WHERE parent IS NOT NULL
  UNION ALL
  SELECT DISTINCT practice_id, location_id, is_primary, 'shared_official', 2, official FROM speaking
    WHERE official IS NOT NULL AND entity_type = 'organization'
  UNION ALL
  SELECT DISTINCT practice_id, location_id, is_primary, 'shared_phone', 3, phone_e164 FROM speaking
    WHERE phone_e164 IS NOT NULL AND entity_type = 'organization'
  UNION ALL
  -- Two words at least: DENTISTRY alone is no brand.
  SELECT DISTINCT practice_id, location_id, is_primary, 'shared_name', 4, common_name FROM speaking
    WHERE entity_type = 'organization' AND common_name LIKE '% %'
  UNION ALL
  SELECT DISTINCT practice_id, location_id, TRUE, 'own_locations', 5, npi FROM speaking
    WHERE entity_type = 'organization'
),
-- One organization that publishes three places has one official and one name: that is one signal, not three. So the
-- others count the organizations' own addresses only, and hold for their further ones.
counted AS (
  SELECT kind, value, COUNT(DISTINCT IF(is_primary, location_id, NULL)) AS locations FROM told GROUP BY kind, value
)
SELECT t.practice_id, t.kind, t.place, t.value, c.locations,
  ROW_NUMBER() OVER (PARTITION BY t.practice_id ORDER BY c.locations DESC, t.place, t.value) AS choice
FROM (SELECT DISTINCT practice_id, kind, place, value FROM told) AS t
JOIN counted AS c ON c.kind = t.kind AND c.value = t.value
WHERE c.locations > 1;

-- Names by which dental support organizations and their brands are publicly known, and words that only they put into a
-- name.
CREATE TEMP TABLE dso AS
SELECT m.practice_id, MIN(m.common_name) AS seen
FROM member AS m
WHERE m.speaks AND m.entity_type = 'organization' AND REGEXP_CONTAINS(
  m.common_name,
  r'\b(ASPEN DENTAL|HEARTLAND DENTAL|PACIFIC DENTAL SERVICES|SMILE BRANDS|WESTERN DENTAL|DENTAL CARE ALLIANCE|AFFORDABLE DENTURES|MB2 DENTAL|GREAT EXPRESSIONS|SAGE DENTAL|COAST DENTAL|KOOL SMILES|INTERDENT|MORTENSON DENTAL|CASTLE DENTAL|MONARCH DENTAL|BRIGHT NOW DENTAL|CLEARCHOICE|SMILE DOCTORS|COMFORT DENTAL|DENTAL (MANAGEMENT|HOLDINGS|PARTNERS|SUPPORT)|SMILES MANAGEMENT|ORAL HEALTH GROUP)\b'  -- noqa: LT05
)
GROUP BY m.practice_id;

-- Illinois licenses the corporations of dentists: a listed one says that dentists own the practice's organization.
CREATE TEMP TABLE il_corporation AS
SELECT m.practice_id, MIN(l.license_number) AS license_number
FROM member AS m
JOIN clean.license AS l ON l.state = 'IL' AND l.holder = 'organization' AND l.status_class IN ('active', 'restricted')
  AND REGEXP_REPLACE(UPPER(l.organization_name), r'[^A-Z0-9]', '') = REGEXP_REPLACE(UPPER(m.organization_name),
    r'[^A-Z0-9]', '')
WHERE m.speaks AND m.entity_type = 'organization' AND m.state = 'IL'
GROUP BY m.practice_id;

CREATE TEMP TABLE signal AS
SELECT practice_id, kind, place, CASE kind
    WHEN 'parent' THEN CONCAT('parent organization ', value, ' is named at ', CAST(locations AS STRING), ' locations')
    WHEN 'shared_official' THEN CONCAT('one official with one telephone signs for organizations at ',
      CAST(locations AS STRING), ' locations')
    WHEN 'shared_phone' THEN CONCAT('organizations at ', CAST(locations AS STRING), ' locations publish one telephone')
    WHEN 'shared_name' THEN CONCAT('organizations at ', CAST(locations AS STRING), ' locations bear one name')
    ELSE CONCAT('organization ', value, ' publishes ', CAST(locations AS STRING), ' practice locations')
  END AS evidence
FROM tie
WHERE TRUE -- BigQuery takes no QUALIFY without it
QUALIFY ROW_NUMBER() OVER (PARTITION BY practice_id, kind ORDER BY locations DESC, value) = 1
UNION ALL
SELECT practice_id, 'dso_name', 6, CONCAT('the name ', seen, ' is one of a dental support organization') FROM dso
UNION ALL
SELECT practice_id, 'il_corporation', 7, CONCAT('Illinois lists the corporation under ',
  IFNULL(license_number, 'no number')) FROM il_corporation;

MERGE clean.practice AS t
USING (
  WITH counted AS (
    SELECT
      practice_id, MIN(location_id) AS location_id,
      ARRAY_AGG(IF(speaks AND entity_type = 'organization', npi, NULL) IGNORE NULLS ORDER BY npi) AS organization_npis,
      MIN(IF(speaks, COALESCE(brand_name, organization_name), NULL)) AS name,
      MIN(address_line_1) AS address_line_1, MIN(IF(speaks, address_line_2, NULL)) AS address_line_2,
      MIN(city) AS city, MIN(state) AS state, MIN(zip5) AS zip5,
      COUNTIF(is_primary AND entity_type = 'individual' AND NOT is_staff) AS dentists,
      COUNTIF(is_primary AND entity_type = 'individual' AND is_staff) AS staff,
      COUNTIF(NOT is_primary) AS secondary_providers,
      COUNTIF(role = 'owner') AS owners
    FROM member GROUP BY practice_id
  ),
  phoned AS (
    SELECT practice_id, phone_e164 FROM member WHERE speaks AND phone_e164 IS NOT NULL GROUP BY practice_id, phone_e164
    HAVING TRUE -- BigQuery takes no QUALIFY without it
    QUALIFY ROW_NUMBER() OVER (PARTITION BY practice_id ORDER BY COUNT(*) DESC, phone_e164) = 1
  ),
  signalled AS (
    SELECT
      practice_id, ARRAY_AGG(kind ORDER BY place) AS signals, ARRAY_AGG(evidence ORDER BY place) AS evidence,
      COUNTIF(kind IN ('parent', 'shared_official', 'dso_name')) AS strong, COUNTIF(kind != 'il_corporation') AS ties,
      COUNTIF(kind = 'dso_name') > 0 AS has_dso_name, COUNTIF(kind = 'own_locations') > 0 AS says_so_itself
    FROM signal GROUP BY practice_id
  ),
  classed AS (
    SELECT
      c.*, f.phone_e164, s.signals, s.evidence, IFNULL(s.strong, 0) AS strong, IFNULL(s.ties, 0) AS ties,
      IFNULL(s.says_so_itself, FALSE) AS says_so_itself,
      COUNT(*) OVER (PARTITION BY c.location_id) AS practices_at_location,
      g.kind AS group_kind, g.value AS group_value, IFNULL(g.locations, 1) AS group_locations,
      CASE
        WHEN (IFNULL(g.locations, 1) >= 10 AND IFNULL(s.strong, 0) > 0) OR IFNULL(s.has_dso_name, FALSE) THEN 'dso'
        WHEN IFNULL(g.locations, 1) >= 3 OR c.dentists >= 10 THEN 'large_group'
        WHEN IFNULL(g.locations, 1) = 2 OR c.dentists >= 2 THEN 'small_group'
        ELSE 'solo'
      END AS size_class
    FROM counted AS c
    LEFT JOIN phoned AS f ON f.practice_id = c.practice_id
    LEFT JOIN signalled AS s ON s.practice_id = c.practice_id
    LEFT JOIN tie AS g ON g.practice_id = c.practice_id AND g.choice = 1
  )
  SELECT
    practice_id, location_id, practices_at_location, name, IFNULL(organization_npis, []) AS organization_npis,
    address_line_1,
    IF(practices_at_location > 1, address_line_2, NULL) AS unit, city, state, zip5, phone_e164, dentists, staff,
    secondary_providers, size_class,
    CASE
      WHEN size_class = 'dso'
        OR group_locations > 1 THEN IF(ties > 1, 'high', IF(strong > 0 OR says_so_itself, 'medium', 'low'))
      ELSE IF(owners > 0, 'high', IF(ARRAY_LENGTH(IFNULL(organization_npis, [])) > 0, 'medium', 'low'))
    END AS size_confidence,
    CONCAT('g', SUBSTR(TO_HEX(SHA256(CONCAT(group_kind, '|', group_value))), 1, 20)) AS group_id,
    IF(group_kind IN ('parent', 'shared_name'), group_value, IF(group_kind IS NULL, NULL, name)) AS group_name,
    group_locations,
    IFNULL(signals, []) AS signals,
    ARRAY_CONCAT(IFNULL(evidence, []), [CONCAT(
      CAST(dentists AS STRING), ' dentists and ', CAST(staff AS STRING), ' others have their NPI here',
      IF(secondary_providers > 0, CONCAT('; it is a secondary location of ', CAST(secondary_providers AS STRING),
        ' NPIs'),
        '')
    )]) AS evidence
  FROM classed
) AS s
ON t.practice_id = s.practice_id
WHEN MATCHED AND (
  t.location_id IS DISTINCT FROM s.location_id OR t.practices_at_location IS DISTINCT FROM s.practices_at_location
    OR t.name IS DISTINCT FROM s.name
    OR ARRAY_TO_STRING(t.organization_npis, '|') != ARRAY_TO_STRING(s.organization_npis, '|')
    OR t.address_line_1 IS DISTINCT FROM s.address_line_1 OR t.unit IS DISTINCT FROM s.unit
    OR t.city IS DISTINCT FROM s.city OR t.state IS DISTINCT FROM s.state OR t.zip5 IS DISTINCT FROM s.zip5
    OR t.phone_e164 IS DISTINCT FROM s.phone_e164 OR t.dentists IS DISTINCT FROM s.dentists
    OR t.staff IS DISTINCT FROM s.staff OR t.secondary_providers IS DISTINCT FROM s.secondary_providers
    OR t.size_class IS DISTINCT FROM s.size_class OR t.size_confidence IS DISTINCT FROM s.size_confidence
    OR t.group_id IS DISTINCT FROM s.group_id OR t.group_name IS DISTINCT FROM s.group_name
    OR t.group_locations IS DISTINCT FROM s.group_locations
    OR ARRAY_TO_STRING(t.signals, '|') != ARRAY_TO_STRING(s.signals, '|')
    OR ARRAY_TO_STRING(t.evidence, '|') != ARRAY_TO_STRING(s.evidence, '|')
) THEN UPDATE SET
  location_id = s.location_id,
  practices_at_location = s.practices_at_location,
  name = s.name,
  organization_npis = s.organization_npis,
  address_line_1 = s.address_line_1,
  unit = s.unit,
  city = s.city,
  state = s.state,
  zip5 = s.zip5,
  phone_e164 = s.phone_e164,
  dentists = s.dentists,
  staff = s.staff,
  secondary_providers = s.secondary_providers,
  size_class = s.size_class,
  size_confidence = s.size_confidence,
  group_id = s.group_id,
  group_name = s.group_name,
  group_locations = s.group_locations,
  signals = s.signals,
  evidence = s.evidence
WHEN NOT MATCHED BY TARGET THEN
  INSERT (practice_id, location_id, practices_at_location, name, organization_npis, address_line_1, unit, city, state,
    zip5, phone_e164, dentists, staff, secondary_providers, size_class, size_confidence, group_id, group_name,
    group_locations, signals, evidence)
  VALUES (s.practice_id, s.location_id, s.practices_at_location, s.name, s.organization_npis, s.address_line_1, s.unit,
    s.city, s.state, s.zip5, s.phone_e164, s.dentists, s.staff, s.secondary_providers, s.size_class, s.size_confidence,
    s.group_id, s.group_name, s.group_locations, s.signals, s.evidence)
WHEN NOT MATCHED BY SOURCE THEN DELETE;
