-- Weighed pairs -> table `decided`: the tier of each, and how probable it is against every rival and against nobody.
CREATE TABLE tiered AS
WITH fitted AS (
  SELECT
    *,
    -- A level is NULL where one side has nothing to compare.
    coalesce(last_level IN ('same', 'former', 'part', 'near'), FALSE) AS last_fits,
    coalesce(first_level IN ('same', 'nickname', 'middle', 'near', 'initial'), FALSE) AS first_fits,
    coalesce(last_level = 'crossed' AND first_level = 'crossed', FALSE) AS is_swapped,
    coalesce(number_level IN ('slot', 'identifier'), FALSE) AS has_number,
    suffix_level IS NOT DISTINCT FROM 'conflict' AS suffix_conflicts
  FROM weighed
)
SELECT
  *,
  CASE
    WHEN suffix_conflicts THEN NULL
    -- A number proves little without the name: colleagues' are entered, digits are mistyped, two people got one.
    WHEN has_number AND ((last_fits AND first_fits) OR is_swapped) THEN 1
    WHEN has_number AND NOT number_shared AND (
      last_fits OR first_fits OR last_level = 'alike' OR first_level = 'alike'
      -- One name in the other's place, or none to compare: the house must speak for it, too.
      OR ((last_level = 'crossed' OR first_level = 'crossed') AND list_contains(['same', 'near', 'zip5'], address_level))
      OR ((last_level IS NULL OR first_level IS NULL) AND address_level = 'same')
    ) THEN 1
    WHEN profession_level != 'same' THEN NULL
    -- A nickname that no list knows, at the same address, with the same middle name.
    WHEN last_level = 'same' AND middle_level = 'same' AND address_level = 'same' THEN 2
    WHEN is_swapped AND (address_level IN ('same', 'near') OR phone_level = 'same' OR number_level IS NOT DISTINCT FROM 'near') THEN 2
    -- A name that one side does not have is made up for by a number one keystroke away.
    WHEN NOT ((last_fits AND first_fits) OR (number_level IS NOT DISTINCT FROM 'near' AND (
      (last_fits AND first_level IS NULL) OR (first_fits AND last_level IS NULL)
    ))) THEN NULL
    WHEN address_level = 'same' OR phone_level = 'same' THEN 2
    WHEN middle_level = 'conflict' THEN NULL
    WHEN address_level = 'near' THEN 2
    WHEN address_level IN ('zip5', 'zip3') THEN 3
    ELSE 4
  END AS tier
FROM fitted;

CREATE TABLE decided AS
WITH rivals AS (
  SELECT
    *,
    -- Bits of "nobody": as many people as there are NPIs, each as likely, times the odds of having none.
    log2(providers * (1 - $coverage) / $coverage) AS nobody,
    max(bits) OVER (PARTITION BY lid ORDER BY bits DESC, pid ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS runner_up,
    row_number() OVER (PARTITION BY lid ORDER BY bits DESC, pid) AS place,
    sum(pow(2, bits)) OVER (PARTITION BY lid) AS of_license,
    sum(pow(2, bits)) OVER (PARTITION BY pid, state, profession) AS of_provider
  FROM tiered
)
SELECT
  *,
  pow(2, bits) / (of_license + pow(2, nobody)) AS probability,
  -- One person has one license of a profession in a state. A second one is believed only where its number is in NPPES too.
  IF(number_level IN ('slot', 'identifier'), 1, pow(2, bits) / of_provider) AS share
FROM rivals
WHERE place = 1 AND tier IS NOT NULL;
