-- What asking came to, for the learned order: segment, vendor, vendors_before (asked before for the same person without
-- a usable answer, with commas, in order of name), asked, usable, credits.
-- @since TIMESTAMP: older answers say little about today.
WITH answer AS (
  SELECT npi, vendor, segment, asked_at, request_key, usable_email, credits
  FROM enriched.answer
  WHERE status = 'responded' AND segment IS NOT NULL AND asked_at >= @since
),
with_before AS (
  SELECT
    a.request_key,
    a.segment,
    a.vendor,
    a.usable_email,
    a.credits,
    COALESCE(STRING_AGG(DISTINCT b.vendor, ',' ORDER BY b.vendor), '') AS vendors_before
  FROM answer AS a
  LEFT JOIN answer AS b ON b.npi = a.npi AND b.vendor != a.vendor AND b.asked_at < a.asked_at AND NOT b.usable_email
  GROUP BY a.request_key, a.segment, a.vendor, a.usable_email, a.credits
)
SELECT segment, vendor, vendors_before, COUNT(*) AS asked, COUNTIF(usable_email) AS usable, SUM(credits) AS credits
FROM with_before
GROUP BY segment, vendor, vendors_before
