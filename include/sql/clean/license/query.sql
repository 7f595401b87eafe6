-- raw.board_license -> clean.license: each license of the newest edition of every board, typed and normalized.
-- A fold over RAW that looks at no order of arrival: of a board that lists everybody, its newest file_date counts, and
-- who is no longer listed leaves; of one that is asked number by number, the newest answer for each number counts.
-- {names} are expressions that include/boards/license_fold.py makes of include/boards. @boards has its status words:
-- they are
-- classified anew here, so that a word which somebody declares today mends rows that were loaded as unknown. No row is
-- refused.
-- @boards STRING.
-- A name without the suffixes behind it, which are written twice, too (JR, JR). A lone J behind a whole name is a JR
-- that was cut off; behind a last name alone it is somebody's first name.
CREATE TEMP FUNCTION without_suffix(name STRING) AS (
  REGEXP_REPLACE(
    REGEXP_REPLACE(name, r'^([^, ]+ [^,]+|[^,]+,[^,]*[^, ]), *J\.?$', r'\1'),
    r'([, ]+(JR|JUNIOR|SR|SENIOR|II|III|IV|2ND|3RD|4TH)\.?)+[, ]*$', '')
);
-- The suffix that a name ends with, or is: JR, SR, II, III, IV or NULL.
CREATE TEMP FUNCTION suffix_of(name STRING) AS (
  CASE REGEXP_EXTRACT(name, r'(?:^|[, ])(JR|JUNIOR|SR|SENIOR|II|III|IV|2ND|3RD|4TH)\.?[, ]*$')
    WHEN 'JUNIOR' THEN 'JR' WHEN 'SENIOR' THEN 'SR' WHEN '2ND' THEN 'II' WHEN '3RD' THEN 'III' WHEN '4TH' THEN 'IV'
    WHEN 'JR' THEN 'JR' WHEN 'SR' THEN 'SR' WHEN 'II' THEN 'II' WHEN 'III' THEN 'III' WHEN 'IV' THEN 'IV'
    ELSE IF(REGEXP_CONTAINS(name, r'^([^, ]+ [^,]+|[^,]+,[^,]*[^, ]), *J\.?$'), 'JR', NULL)
  END
);
CREATE TEMP TABLE board AS
SELECT
  JSON_VALUE(item, '$.source') AS source,
  JSON_VALUE(item, '$.is_whole') = 'true' AS is_whole,
  JSON_VALUE(item, '$.separators') AS separators,
  item AS declared
FROM UNNEST(JSON_QUERY_ARRAY(@boards)) AS item;

CREATE TEMP TABLE status_word AS
SELECT
  b.source,
  JSON_VALUE(said, '$.word') AS word,
  JSON_VALUE(said, '$.class') AS class,
  CAST(JSON_VALUE(said, '$.severity_rank') AS INT64) AS severity_rank
FROM board AS b, UNNEST(JSON_QUERY_ARRAY(b.declared, '$.statuses')) AS said;

CREATE TEMP TABLE edition AS
WITH newest AS (
  SELECT
    r.*,
    MAX(r.file_date) OVER (PARTITION BY r.source, IF(b.is_whole, NULL, r.license_number)) AS newest_date
  FROM raw.board_license AS r
  JOIN board AS b ON b.source = r.source
)
SELECT *, REGEXP_REPLACE(UPPER(license_number), r'[\s#]', '') AS typed_number FROM newest WHERE file_date = newest_date;

-- The class of each status as published: its whole text where that is declared, else the worst of its words; a word
-- that is not declared makes it unknown.
CREATE TEMP TABLE status_class AS
WITH published AS (
  SELECT DISTINCT e.source, IFNULL(e.status, '') AS status, b.separators,
    TRIM(REGEXP_REPLACE(LOWER(IFNULL(e.status, '')), r'\s+', ' ')) AS folded
  FROM edition AS e JOIN board AS b ON b.source = e.source
),
worded AS (
  SELECT p.source, p.status, TRIM(word) AS word
  FROM published AS p,
    UNNEST(SPLIT(
    IF(p.separators = '', p.folded, REGEXP_REPLACE(p.folded, CONCAT('[', IF(p.separators = '', ' ', p.separators), ']'),
    '|')), '|')) AS word
  WHERE TRIM(word) != ''
),
of_words AS (
  SELECT
    w.source, w.status,
    IF(COUNTIF(s.word IS NULL) > 0, NULL, MAX(s.severity_rank)) AS severity_rank
  FROM worded AS w
  LEFT JOIN status_word AS s ON s.source = w.source AND s.word = w.word
  GROUP BY w.source, w.status
)
SELECT p.source, p.status, COALESCE(whole.severity_rank, o.severity_rank) AS severity_rank
FROM published AS p
LEFT JOIN status_word AS whole ON whole.source = p.source AND whole.word = p.folded
LEFT JOIN of_words AS o ON o.source = p.source AND o.status = p.status;

CREATE TEMP TABLE license_row AS
WITH detailed AS (
  SELECT
    *,
    {number_fits} AS number_fits,
    {middle_name} AS p_middle,
    {name_suffix} AS p_suffix,
    {former_last_name} AS p_former,
    {organization_name} AS p_organization,
    {address_line_1} AS p_line_1,
    {address_line_2} AS p_line_2,
    {city} AS p_city,
    {address_state} AS p_state,
    {postal_code} AS p_postal_code,
    {phone} AS p_phone
  FROM edition
),
-- Some boards give a whole name only, with degrees after it: "LAST, FIRST MIDDLE" or "FIRST MIDDLE LAST, DMD".
named AS (
  SELECT
    *,
    TRIM(REGEXP_REPLACE(REGEXP_REPLACE(UPPER(full_name), r'(,| )+(DDS|DMD|MD|BDS|MS|PHD|D\.D\.S\.?|D\.M\.D\.?)\b\.?',
      ''), r'\s+', ' ')) AS whole
  FROM detailed
),
split AS (
  SELECT
    *,
    COALESCE(suffix_of(whole), suffix_of(REGEXP_EXTRACT(whole, r'^([^,]+ [^,]+),'))) AS whole_suffix,
    TRIM(without_suffix(whole)) AS bare
  FROM named
),
typed AS (
  SELECT
    s.source, s.state, s.board, s.license_number, s.license_type, s.status, s.issued_on, s.expires_on,
    s.file_date AS source_file_date, s.source_object, s.line AS source_line,
    COALESCE(s.number_fits, NULLIF(LTRIM(REGEXP_REPLACE(UPPER(s.license_number), r'[^A-Z0-9]', ''), '0'), ''))
      AS number_normal,
    s.number_fits IS NOT NULL AS number_in_form,
    CASE
      WHEN REGEXP_CONTAINS(UPPER(s.license_type), r'HYGIEN') THEN 'hygienist'
      WHEN REGEXP_CONTAINS(UPPER(s.license_type), r'ASSIST') THEN 'assistant'
      WHEN REGEXP_CONTAINS(UPPER(s.license_type), r'THERAP') THEN 'therapist'
      WHEN REGEXP_CONTAINS(UPPER(s.license_type), r'LAB|NURS') THEN 'other'
      ELSE 'dentist'
    END AS profession,
    -- A corporation has no first name.
    IF(COALESCE(s.first_name, s.full_name) IS NULL, 'organization', 'person') AS holder,
    UPPER(s.full_name) AS published_name,
    UPPER(COALESCE(s.first_name, IF(STRPOS(bare, ',') > 0,
      REGEXP_EXTRACT(bare, r',\s*([^\s,]+)'), REGEXP_EXTRACT(bare, r'^(\S+) ')))) AS first_name,
    UPPER(COALESCE(NULLIF(TRIM(s.p_middle), ''), IF(s.first_name IS NOT NULL, NULL, IF(STRPOS(bare, ',') > 0,
      REGEXP_EXTRACT(bare, r',\s*\S+ (.+)$'), REGEXP_EXTRACT(bare, r'^\S+ (.+) \S+$'))))) AS middle_name,
    IF(COALESCE(s.first_name, s.full_name) IS NULL, NULL,
      without_suffix(UPPER(COALESCE(s.last_name, IF(STRPOS(bare, ',') > 0,
      TRIM(REGEXP_EXTRACT(bare, r'^([^,]*),')), REGEXP_EXTRACT(bare, r'(\S+)$')))))) AS last_name,
    COALESCE(suffix_of(TRIM(UPPER(s.p_suffix))), IF(STRPOS(TRIM(s.last_name), ' ') > 0
      OR STRPOS(s.last_name, ',') > 0, suffix_of(UPPER(s.last_name)), NULL), whole_suffix) AS name_suffix,
    UPPER(NULLIF(TRIM(s.p_former), '')) AS former_last_name,
    NULLIF(TRIM(IF(s.first_name IS NULL AND s.full_name IS NULL,
      COALESCE(NULLIF(TRIM(s.p_organization), ''), s.last_name), s.p_organization)), '') AS organization_name,
    c.severity_rank,
    -- Florida writes *** NOT AVAILABLE *** where it withholds an address.
    IF(STRPOS(s.p_line_1, '***') > 0, NULL, NULLIF(TRIM(REGEXP_REPLACE(UPPER(s.p_line_1), r'\s+', ' ')), ''))
      AS address_line_1,
    IF(STRPOS(s.p_line_2, '***') > 0, NULL, NULLIF(TRIM(REGEXP_REPLACE(UPPER(s.p_line_2), r'\s+', ' ')), ''))
      AS address_line_2,
    NULLIF(TRIM(UPPER(s.p_city)), '') AS city,
    NULLIF(TRIM(UPPER(s.p_state)), '') AS address_state,
    REGEXP_EXTRACT(TRIM(s.p_postal_code), r'^([0-9]{5})(?:-?[0-9]{4})?$') AS zip5,
    CONCAT('+1', REGEXP_EXTRACT(REGEXP_REPLACE(REGEXP_REPLACE(s.p_phone, r'(?i)x.*$', ''), r'[^0-9]', ''),
      r'^1?([2-9][0-9]{2}[2-9][0-9]{6})$')) AS phone_e164
  FROM split AS s
  LEFT JOIN status_class AS c ON c.source = s.source AND c.status = IFNULL(s.status, '')
),
keyed AS (
  SELECT
    *,
    COALESCE(published_name,
      NULLIF(CONCAT(IFNULL(CONCAT(first_name, ' '), ''), IFNULL(CONCAT(middle_name, ' '), ''), IFNULL(last_name, '')),
      '')) AS full_name,
    CONCAT('l', SUBSTR(TO_HEX(SHA256(CONCAT(
      state, '|', IFNULL(license_type, ''), '|', IFNULL(number_normal, ''), '|', IFNULL(last_name, ''), '|',
      IFNULL(first_name, ''), '|',
      IFNULL(middle_name, ''), '|', IFNULL(name_suffix, ''), '|',
        IFNULL(IF(holder = 'organization', organization_name, ''), '')
    ))), 1, 20)) AS license_key
  FROM typed
)
SELECT * FROM keyed;

CREATE TEMP TABLE implied AS
WITH folded AS (
  SELECT
    license_key,
    COUNT(*) AS published_rows,
    -- The worst of what the board says of the license; unknown when one of its words is.
    IF(COUNTIF(severity_rank IS NULL) > 0, NULL, MAX(severity_rank)) AS worst
  FROM license_row GROUP BY license_key
),
chosen AS (
  SELECT * FROM license_row
  WHERE TRUE -- BigQuery takes no QUALIFY without it
  QUALIFY ROW_NUMBER() OVER (PARTITION BY license_key ORDER BY IFNULL(severity_rank, 99) DESC, source_file_date DESC,
    source_object DESC, source_line) = 1
),
shared AS (
  SELECT state, license_type, number_normal, COUNT(DISTINCT license_key) AS holders
  FROM license_row WHERE number_normal IS NOT NULL GROUP BY state, license_type, number_normal
),
whole AS (
  SELECT
    c.*, f.published_rows,
    COALESCE(class.class, 'unknown') AS status_class,
    class.class IS NOT NULL AS status_known,
    IFNULL(s.holders, 1) > 1 AS number_shared
  FROM chosen AS c
  JOIN folded AS f ON f.license_key = c.license_key
  LEFT JOIN (SELECT DISTINCT severity_rank, class FROM status_word) AS class ON class.severity_rank = f.worst
  LEFT JOIN shared AS s ON s.state = c.state AND s.number_normal = c.number_normal
    AND s.license_type IS NOT DISTINCT FROM c.license_type
)
SELECT
  license_key, state, board, license_number, number_normal, number_in_form, number_shared, license_type, profession,
  holder, full_name, first_name, middle_name, last_name, name_suffix, former_last_name, organization_name, status,
  status_class, status_known, issued_on, expires_on, address_line_1, address_line_2, city, address_state, zip5,
  phone_e164, published_rows, source_file_date, source_object, source_line,
  TO_HEX(SHA256(CONCAT(
    IFNULL(license_key, ''), '|',
    IFNULL(state, ''), '|',
    IFNULL(board, ''), '|',
    IFNULL(license_number, ''), '|',
    IFNULL(number_normal, ''), '|',
    IFNULL(CAST(number_in_form AS STRING), ''), '|',
    IFNULL(CAST(number_shared AS STRING), ''), '|',
    IFNULL(license_type, ''), '|',
    IFNULL(profession, ''), '|',
    IFNULL(holder, ''), '|',
    IFNULL(full_name, ''), '|',
    IFNULL(first_name, ''), '|',
    IFNULL(middle_name, ''), '|',
    IFNULL(last_name, ''), '|',
    IFNULL(name_suffix, ''), '|',
    IFNULL(former_last_name, ''), '|',
    IFNULL(organization_name, ''), '|',
    IFNULL(status, ''), '|',
    IFNULL(status_class, ''), '|',
    IFNULL(CAST(status_known AS STRING), ''), '|',
    IFNULL(CAST(issued_on AS STRING), ''), '|',
    IFNULL(CAST(expires_on AS STRING), ''), '|',
    IFNULL(address_line_1, ''), '|',
    IFNULL(address_line_2, ''), '|',
    IFNULL(city, ''), '|',
    IFNULL(address_state, ''), '|',
    IFNULL(zip5, ''), '|',
    IFNULL(phone_e164, '')
  ))) AS row_hash
FROM whole;

MERGE clean.license AS t
USING implied AS s
ON t.license_key = s.license_key
WHEN MATCHED AND (
  t.row_hash != s.row_hash OR t.published_rows != s.published_rows OR t.source_file_date != s.source_file_date
  OR t.source_object != s.source_object OR t.source_line != s.source_line
) THEN UPDATE SET
  state = s.state,
  board = s.board,
  license_number = s.license_number,
  number_normal = s.number_normal,
  number_in_form = s.number_in_form,
  number_shared = s.number_shared,
  license_type = s.license_type,
  profession = s.profession,
  holder = s.holder,
  full_name = s.full_name,
  first_name = s.first_name,
  middle_name = s.middle_name,
  last_name = s.last_name,
  name_suffix = s.name_suffix,
  former_last_name = s.former_last_name,
  organization_name = s.organization_name,
  status = s.status,
  status_class = s.status_class,
  status_known = s.status_known,
  issued_on = s.issued_on,
  expires_on = s.expires_on,
  address_line_1 = s.address_line_1,
  address_line_2 = s.address_line_2,
  city = s.city,
  address_state = s.address_state,
  zip5 = s.zip5,
  phone_e164 = s.phone_e164,
  published_rows = s.published_rows,
  source_file_date = s.source_file_date,
  source_object = s.source_object,
  source_line = s.source_line,
  row_hash = s.row_hash
WHEN NOT MATCHED BY TARGET THEN
  INSERT (license_key, state, board, license_number, number_normal, number_in_form, number_shared, license_type,
    profession, holder, full_name, first_name, middle_name, last_name, name_suffix, former_last_name, organization_name,
    status, status_class, status_known, issued_on, expires_on, address_line_1, address_line_2, city, address_state,
    zip5, phone_e164, published_rows, source_file_date, source_object, source_line, row_hash)
  VALUES (s.license_key, s.state, s.board, s.license_number, s.number_normal, s.number_in_form, s.number_shared,
    s.license_type, s.profession, s.holder, s.full_name, s.first_name, s.middle_name, s.last_name, s.name_suffix,
    s.former_last_name, s.organization_name, s.status, s.status_class, s.status_known, s.issued_on, s.expires_on,
    s.address_line_1, s.address_line_2, s.city, s.address_state, s.zip5, s.phone_e164, s.published_rows,
    s.source_file_date, s.source_object, s.source_line, s.row_hash)
WHEN NOT MATCHED BY SOURCE THEN DELETE;

-- Every RAW row is counted once: in = out + filtered, by reason.
BEGIN TRANSACTION;

DELETE FROM ops.balance WHERE table_name = 'clean.license';

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.license', 'in', 'raw.board_license', COUNT(*) FROM raw.board_license
UNION ALL
SELECT 'clean.license', 'out', 'clean.license', COUNT(*) FROM clean.license
UNION ALL
SELECT 'clean.license', 'filtered', 'older_edition', (SELECT COUNT(*) FROM raw.board_license AS r
  JOIN board AS b ON b.source = r.source) - (SELECT COUNT(*) FROM edition)
UNION ALL
SELECT 'clean.license', 'filtered', 'board_not_declared', COUNT(*) FROM raw.board_license
  WHERE source NOT IN (SELECT source FROM board)
UNION ALL
SELECT 'clean.license', 'filtered', 'same_license', (SELECT COUNT(*) FROM edition) - (SELECT COUNT(*) FROM implied);

COMMIT TRANSACTION;
