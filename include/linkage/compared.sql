-- Pairs -> table `compared`: what agrees, and how often it would agree by chance (the columns that weights.py speaks of).
CREATE TABLE told AS SELECT pid, state, profession, list(DISTINCT number) AS numbers FROM s GROUP BY ALL;

-- All joins first, kept in a table: the chunks that come out of so many joins are tiny, and comparing them costs twice as much.
CREATE TABLE paired AS
SELECT
  c.lid, c.pid, l.state, l.profession, l.number_shared, p.pid IS NOT NULL AND n.slot IS NOT NULL AS has_number, n.is_slot, n.slot,
  l.number AS l_number, t.numbers, l.first AS l_first, p.first AS p_first, l.middle AS l_middle, p.middle AS p_middle,
  l.last AS l_last, p.last AS p_last, l.former AS l_former, p.former AS p_former, l.parts AS l_parts, p.parts AS p_parts,
  NOT (coalesce(l.last = p.last, FALSE) OR coalesce(l.first = p.first, FALSE)) AS is_crossed,
  l.suffix AS l_suffix, p.suffix AS p_suffix, l.profession = p.profession AS profession_same,
  coalesce(l.street IN (p.street, p.mailing_street), FALSE) AS street_same,
  coalesce(l.zip5 IN (p.zip5, p.mailing_zip5), FALSE) AS zip5_same,
  coalesce(l.zip3 IN (p.zip3, p.mailing_zip3), FALSE) AS zip3_same,
  coalesce(l.at_state IN (p.state, p.mailing_state), FALSE) AS state_same,
  l.phone = p.phone AS phone_equal,
  l.street AS l_street, p.street AS p_street, p.mailing_street, l.issued_on,
  abs(date_diff('day', l.issued_on, p.enumeration_date)) AS days_apart, p.enumeration_date,
  number_count.n AS number_n, last_count.n AS last_n, first_of_last.n AS first_of_last_n, last_of_first.n AS last_of_first_n, first_count.n AS first_n,
  middle_count.n AS middle_n, street_count.n AS street_n, zip5_count.n AS zip5_n, zip3_count.n AS zip3_n, state_count.n AS state_n, phone_count.n AS phone_n,
  nickname.one AS nickname_one, providers
FROM candidate AS c
JOIN l USING (lid)
JOIN p USING (pid)
LEFT JOIN number_pair AS n ON n.lid = c.lid AND n.pid = c.pid
LEFT JOIN told AS t ON t.pid = c.pid AND t.state = l.state AND t.profession = l.profession
CROSS JOIN (SELECT count(*)::DOUBLE AS providers FROM p) AS size
LEFT JOIN nickname ON nickname.one = l.first AND nickname.other = p.first
LEFT JOIN number_count ON number_count.state = l.state AND number_count.number = l.number
LEFT JOIN last_count ON last_count.last = l.last
LEFT JOIN first_count ON first_count.first = l.first
LEFT JOIN first_count AS middle_count ON middle_count.first = l.middle
LEFT JOIN first_count AS first_of_last ON first_of_last.first = l.last
LEFT JOIN last_count AS last_of_first ON last_of_first.last = l.first
LEFT JOIN street_count ON street_count.street = l.street
LEFT JOIN zip5_count ON zip5_count.zip5 = l.zip5
LEFT JOIN zip3_count ON zip3_count.zip3 = l.zip3
LEFT JOIN state_count ON state_count.state = l.at_state
LEFT JOIN phone_count ON phone_count.phone = l.phone;

CREATE TABLE compared AS
SELECT
  lid, pid, state, profession, number_shared, slot,
  has_number AND is_slot AS number_slot,
  has_number AND NOT is_slot AS number_identifier,
  NOT has_number AND len(list_filter(numbers, lambda n: keystroke(n, l_number))) > 0 AS number_near,
  NOT has_number AND numbers IS NOT NULL AND l_number IS NOT NULL AS number_other,
  coalesce(number_n, 1) AS number_holders,
  coalesce(l_last = p_last, FALSE) AS last_same,
  coalesce(l_last = p_former, FALSE) OR coalesce(l_former IN (p_last, p_former), FALSE) AS last_former,
  (len(l_parts) > 1 OR len(p_parts) > 1) AND list_has_any(l_parts, p_parts) AS last_part,
  keystroke(l_last, p_last) AS last_near,
  -- The two names in each other's place; each counts for itself, as the second may be missing or mistyped.
  is_crossed AND (l_last = p_first OR keystroke(l_last, p_first)) AS last_crossed,
  is_crossed AND (l_first = p_last OR keystroke(l_first, p_last)) AS first_crossed,
  alike(l_last, p_last) AS last_alike,
  alike(l_first, p_first) AS first_alike,
  l_last IS NOT NULL AND p_last IS NOT NULL AS last_told,
  l_first IS NOT NULL AND p_first IS NOT NULL AS first_told,
  (coalesce(last_n, 0) + 1) / providers AS last_share,
  (coalesce(first_of_last_n, 0) + 1) / providers AS last_crossed_share,
  (coalesce(last_of_first_n, 0) + 1) / providers AS first_crossed_share,
  coalesce(l_first = p_first, FALSE) AS first_same,
  nickname_one IS NOT NULL AS first_nickname,
  coalesce((l_first = p_middle OR l_middle = p_first) AND length(l_first) > 1, FALSE) AS first_is_middle,
  coalesce(least(length(l_first), length(p_first)) = 1 AND left(l_first, 1) = left(p_first, 1), FALSE) AS first_initial,
  coalesce(least(length(l_first), length(p_first)) > 2 AND (
    keystroke(l_first, p_first, 3) OR starts_with(l_first, p_first) OR starts_with(p_first, l_first)
  ), FALSE) AS first_near,
  (coalesce(first_n, 0) + 1) / providers AS first_share,
  coalesce(l_middle = p_middle AND length(l_middle) > 1, FALSE) AS middle_same,
  coalesce(left(l_middle, 1) = left(p_middle, 1), FALSE) AS middle_initial,
  -- Who goes by the middle name has the two in another order: nothing to compare.
  coalesce(left(l_middle, 1) != left(p_middle, 1) AND l_first != p_middle AND l_middle != p_first, FALSE) AS middle_conflict,
  (coalesce(middle_n, 0) + 1) / providers AS middle_share,
  coalesce(l_suffix = p_suffix, FALSE) AS suffix_same,
  coalesce(l_suffix != p_suffix, FALSE) AS suffix_conflict,
  (l_suffix IS NULL) != (p_suffix IS NULL) AS suffix_one,
  street_same,
  -- A line or a ZIP code with a typing error: the same house number, and the rest starts alike.
  alike_street(l_street, p_street) OR alike_street(l_street, mailing_street) AS street_near,
  zip5_same, zip3_same, state_same, NOT state_same AS state_other,
  (coalesce(street_n, 0) + 1) / providers AS street_share,
  (coalesce(zip5_n, 0) + 1) / providers AS zip5_share,
  (coalesce(zip3_n, 0) + 1) / providers AS zip3_share,
  least((coalesce(state_n, 0) + 1) / providers, 0.9) AS state_share,
  coalesce(phone_equal, FALSE) AS phone_same,
  coalesce(NOT phone_equal, FALSE) AS phone_other,
  (coalesce(phone_n, 0) + 1) / providers AS phone_share,
  -- NPIs exist since 2005; people who had a license before took one in the years after.
  coalesce(issued_on >= DATE '2006-07-01' AND days_apart <= 365, FALSE) AS started_together,
  coalesce(issued_on >= DATE '2006-07-01' AND days_apart BETWEEN 366 AND 1461, FALSE) AS started_near,
  coalesce(issued_on >= DATE '2006-07-01' AND days_apart > 1461, FALSE) AS started_apart,
  coalesce(issued_on < DATE '2006-07-01' AND enumeration_date < DATE '2009-01-01', FALSE) AS old_hand,
  coalesce(issued_on < DATE '2006-07-01' AND enumeration_date >= DATE '2009-01-01', FALSE) AS old_hand_late,
  profession_same,
  providers
FROM paired;
