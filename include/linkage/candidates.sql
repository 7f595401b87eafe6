-- Views `licenses`, `providers` and `slots` (include.linkage.licenses.Files) -> tables l, p, s, and the pairs worth comparing.
CREATE TABLE l AS
SELECT
  row_number() OVER (ORDER BY license_key)::INTEGER AS lid, license_key, state, profession, number_normal AS number, number_shared,
  replace(folded(first_name), ' ', '') AS first,
  replace(folded(middle_name), ' ', '') AS middle,
  key_of(last_name) AS last,
  key_of(former_last_name) AS former,
  list_filter(parts_of(last_name), lambda part: length(part) > 2) AS parts,
  coalesce(suffix_of(name_suffix), suffix_of(last_name)) AS suffix,
  street_key(line) || ' ' || zip5 AS street, zip5, coalesce(left(zip5, 3), '') AS zip3,
  coalesce(address_state, state) AS at_state,
  phone_e164 AS phone, issued_on
FROM licenses;

CREATE TABLE p AS
SELECT
  row_number() OVER (ORDER BY npi)::INTEGER AS pid, npi, profession,
  replace(folded(first_name), ' ', '') AS first,
  replace(folded(middle_name), ' ', '') AS middle,
  key_of(last_name) AS last,
  key_of(other_last_name) AS former,
  list_filter(parts_of(last_name), lambda part: length(part) > 2) AS parts,
  coalesce(suffix_of(name_suffix), suffix_of(last_name)) AS suffix,
  street_key(line) || ' ' || zip5 AS street, zip5, left(zip5, 3) AS zip3, state,
  street_key(mailing_line) || ' ' || mailing_zip5 AS mailing_street, mailing_zip5, left(mailing_zip5, 3) AS mailing_zip3, mailing_state,
  phone_e164 AS phone, enumeration_date
FROM providers;

CREATE TABLE s AS
SELECT DISTINCT pid, s.state, number_of(s.state, s.number) AS number, s.slot, s.profession
FROM slots AS s JOIN p USING (npi)
WHERE number_of(s.state, s.number) IS NOT NULL;

-- How often a value is met by chance: its share of NPIs. One holder is added, so that a value that nobody has is rare, not impossible.
CREATE TABLE last_count AS SELECT last, count(*) AS n FROM p WHERE last IS NOT NULL GROUP BY last;
CREATE TABLE first_count AS SELECT first, count(*) AS n FROM p WHERE first IS NOT NULL GROUP BY first;
CREATE TABLE street_count AS
SELECT street, count(*) AS n
FROM (SELECT pid, street FROM p UNION SELECT pid, mailing_street FROM p)
WHERE street IS NOT NULL GROUP BY street;
CREATE TABLE zip5_count AS SELECT zip5, count(*) AS n FROM (SELECT pid, zip5 FROM p UNION SELECT pid, mailing_zip5 FROM p) GROUP BY zip5;
CREATE TABLE zip3_count AS SELECT zip3, count(*) AS n FROM (SELECT pid, zip3 FROM p UNION SELECT pid, mailing_zip3 FROM p) GROUP BY zip3;
CREATE TABLE state_count AS SELECT state, count(*) AS n FROM (SELECT pid, state FROM p UNION SELECT pid, mailing_state FROM p) GROUP BY state;
CREATE TABLE phone_count AS SELECT phone, count(*) AS n FROM p WHERE phone IS NOT NULL GROUP BY phone;
CREATE TABLE number_count AS SELECT state, number, count(DISTINCT pid) AS n FROM s GROUP BY state, number;

-- Two licenses of one number and state are of two professions: each counts for itself.
CREATE TABLE number_pair AS
SELECT lid, pid, bool_or(s.slot LIKE 'license%') AS is_slot, max_by(s.slot, s.slot LIKE 'license%') AS slot
FROM l JOIN s ON s.state = l.state AND s.number = l.number AND coalesce(s.profession, l.profession) = l.profession
GROUP BY lid, pid;

-- Names under which somebody may be listed: the own, the former, and each half of a double name.
CREATE TABLE l_name AS
SELECT DISTINCT lid, unnest([last, former] || IF(len(parts) > 1, parts, [])) AS name, left(first, 1) AS initial, first, state, at_state FROM l;
CREATE TABLE p_name AS
SELECT DISTINCT pid, unnest([last, former] || IF(len(parts) > 1, parts, [])) AS name, first, left(middle, 1) AS middle FROM p;
CREATE TABLE p_state AS
SELECT pid, state FROM p UNION SELECT pid, mailing_state FROM p UNION SELECT pid, state FROM s;

CREATE TABLE p_zip AS SELECT pid, zip5, first, last FROM p UNION SELECT pid, mailing_zip5, first, last FROM p;

CREATE TABLE candidate AS
SELECT lid, pid FROM number_pair
UNION
-- The same last name in the same state, and first names that could be one person's.
SELECT l.lid, p.pid
FROM l_name AS l
JOIN (SELECT * FROM p_name JOIN p_state USING (pid)) AS p ON p.name = l.name AND p.state IN (l.state, l.at_state)
LEFT JOIN nickname AS n ON n.one = l.first AND n.other = p.first
WHERE left(p.first, 1) = l.initial OR n.one IS NOT NULL OR p.middle = l.initial OR jaro_winkler_similarity(p.first, l.first) > 0.85
UNION
-- The two names in each other's place.
SELECT l.lid, p.pid FROM l JOIN p ON p.last = l.first AND p.first = l.last
UNION
-- The same whole name anywhere: licenses are kept after a move, and a rare name is found again.
SELECT l.lid, p.pid FROM l JOIN p ON p.last = l.last AND p.first = l.first
UNION
-- The same telephone.
SELECT l.lid, p.pid FROM l JOIN p ON p.phone = l.phone WHERE left(p.first, 1) = left(l.first, 1) OR p.last = l.last
UNION
-- The same house, and one of the names alike.
SELECT l.lid, p.pid
FROM l JOIN (SELECT pid, street, first, last FROM p UNION SELECT pid, mailing_street, first, last FROM p) AS p ON p.street = l.street
WHERE p.first = l.first OR p.last = l.last OR p.first = l.last OR p.last = l.first OR jaro_winkler_similarity(p.last, l.last) > 0.88
UNION
-- The same first name and ZIP code, and a last name with a typing error.
SELECT l.lid, p.pid
FROM l JOIN p_zip AS p ON p.zip5 = l.zip5 AND p.first = l.first
WHERE jaro_winkler_similarity(p.last, l.last) > 0.88
UNION
-- The same first name in the same state, and a last name with a typing error behind its first two letters.
SELECT l.lid, p.pid
FROM l JOIN (SELECT pid, state, first, last FROM p UNION SELECT pid, mailing_state, first, last FROM p) AS p
  ON p.state = l.at_state AND p.first = l.first AND left(p.last, 2) = left(l.last, 2)
WHERE keystroke(p.last, l.last)
UNION
-- The same ZIP code, and: a typing error in both names; the names in each other's place and one mistyped; no first name on one side.
SELECT l.lid, p.pid
FROM l JOIN p_zip AS p ON p.zip5 = l.zip5 AND left(p.first, 1) = left(l.first, 1) AND left(p.last, 1) = left(l.last, 1)
WHERE jaro_winkler_similarity(p.last, l.last) > 0.88 AND jaro_winkler_similarity(p.first, l.first) > 0.85
UNION
SELECT l.lid, p.pid FROM l JOIN p_zip AS p ON p.zip5 = l.zip5 AND p.first = l.last WHERE keystroke(p.last, l.first)
UNION
SELECT l.lid, p.pid FROM l JOIN p_zip AS p ON p.zip5 = l.zip5 AND p.last = l.first WHERE keystroke(p.first, l.last)
UNION
SELECT l.lid, p.pid FROM l JOIN p_zip AS p ON p.zip5 = l.zip5 AND p.last = l.last WHERE p.first IS NULL OR l.first IS NULL;
