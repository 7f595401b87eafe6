-- Answers that were loaded and are not in what is announced: table_name, missing. A row where something is missing.
-- @vendors STRING (those of the waterfall, with commas).
WITH bought AS (
  SELECT vendor, operation, request_key, person_key AS npi, status, credits
  FROM raw.vendor_response
  WHERE vendor IN UNNEST(SPLIT(@vendors)) AND person_key IS NOT NULL
),
answer AS (
  SELECT COUNT(*) AS missing
  FROM bought
  LEFT JOIN enriched.answer AS kept
    ON kept.vendor = bought.vendor AND kept.operation = bought.operation AND kept.request_key = bought.request_key
    AND kept.status = bought.status
  WHERE kept.request_key IS NULL
),
contact AS (
  -- A person's credits are those of all calls about them: a fold that is older than a call has fewer.
  SELECT COUNT(*) AS missing
  FROM (
    SELECT npi, SUM(credits) AS credits FROM bought GROUP BY npi HAVING LOGICAL_OR(status = 'responded')
  ) AS person
  LEFT JOIN enriched.contact AS kept ON kept.npi = person.npi AND ABS(kept.credits - person.credits) < 0.001
  WHERE kept.npi IS NULL
)
SELECT 'enriched.answer' AS table_name, missing FROM answer WHERE missing > 0
UNION ALL
SELECT 'enriched.contact', missing FROM contact WHERE missing > 0
