-- Bring enriched.answer to what raw.vendor_response and the bounces say. This is the one place where an e-mail is
-- judged:
-- bounced before malformed before a team's box; then what its vendor says of it, and whether another vendor gave the
-- same. A catch-all or risky address is found and not usable until a vendor with an accepted word gives it too.
-- @accepted STRING (accepted statuses, with commas), @min_confidence FLOAT64, @vendors STRING (those of the waterfall,
-- with commas).
MERGE enriched.answer AS t
USING (
  WITH answer AS (
    SELECT
      vendor, operation, request_key, person_key AS npi, run_id, segment, status, requested_at AS asked_at,
      responded_at,
      credits, cost_usd,
      JSON_VALUE(found, '$.email') AS email,
      JSON_VALUE(found, '$.email_status') AS email_status,
      CAST(JSON_VALUE(found, '$.email_confidence') AS FLOAT64) AS email_confidence,
      JSON_VALUE(found, '$.email_type') AS email_type,
      JSON_VALUE(found, '$.phone') AS phone,
      JSON_VALUE(found, '$.linkedin_url') AS linkedin_url,
      JSON_VALUE(found, '$.title') AS title,
      JSON_VALUE(found, '$.company_name') AS company_name,
      JSON_VALUE(found, '$.company_domain') AS company_domain,
      JSON_VALUE(found, '$.company_industry') AS company_industry,
      CAST(JSON_VALUE(found, '$.company_size') AS INT64) AS company_size,
      CAST(JSON_VALUE(found, '$.company_founded') AS INT64) AS company_founded,
      JSON_VALUE(found, '$.company_revenue') AS company_revenue,
      JSON_VALUE(found, '$.company_linkedin_url') AS company_linkedin_url
    FROM raw.vendor_response
    WHERE vendor IN UNNEST(SPLIT(@vendors)) AND person_key IS NOT NULL
  ),
  agreed AS (
    SELECT npi, email FROM answer WHERE email IS NOT NULL GROUP BY npi, email HAVING COUNT(DISTINCT vendor) > 1
  ),
  bounced AS (
    SELECT DISTINCT identifier_hash AS email_hash FROM clean.suppression WHERE identifier_type = 'email'
      AND reason IN ('bounced', 'wrong_person')
  ),
  judged AS (
    SELECT
      answer.*,
      CASE
        WHEN answer.email IS NULL THEN NULL
        WHEN bounced.email_hash IS NOT NULL THEN 'bounced'
        WHEN NOT REGEXP_CONTAINS(answer.email, r'^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}$') THEN 'malformed'
        WHEN REGEXP_CONTAINS(
          answer.email,
          r'^(admin|appointments|billing|contact|frontdesk|hello|info|mail|office|reception|sales|scheduling|smile|staff|support|team)@'  -- noqa: LT05
        ) THEN 'role'
        WHEN answer.email_status IN UNNEST(SPLIT(@accepted, ',')) AND answer.email_confidence >= @min_confidence
          THEN IF(agreed.npi IS NULL, 'accepted', 'confirmed')
        ELSE 'risky'
      END AS email_verification
    FROM answer
    LEFT JOIN agreed ON agreed.npi = answer.npi AND agreed.email = answer.email
    LEFT JOIN bounced ON bounced.email_hash = TO_HEX(SHA256(answer.email))
  )
  SELECT *, COALESCE(email_verification IN ('confirmed', 'accepted'), FALSE) AS usable_email FROM judged
) AS s
ON t.npi = s.npi AND t.vendor = s.vendor AND t.operation = s.operation AND t.request_key = s.request_key
WHEN MATCHED AND (
  t.status != s.status
  OR t.asked_at != s.asked_at
  OR t.email_verification IS DISTINCT FROM s.email_verification
  OR t.email IS DISTINCT FROM s.email
) THEN UPDATE SET
  run_id = s.run_id, segment = s.segment, status = s.status, asked_at = s.asked_at, responded_at = s.responded_at,
  credits = s.credits, cost_usd = s.cost_usd, email = s.email, email_status = s.email_status,
  email_confidence = s.email_confidence, email_type = s.email_type, email_verification = s.email_verification,
  usable_email = s.usable_email, phone = s.phone, linkedin_url = s.linkedin_url, title = s.title,
  company_name = s.company_name, company_domain = s.company_domain, company_industry = s.company_industry,
  company_size = s.company_size, company_founded = s.company_founded, company_revenue = s.company_revenue,
  company_linkedin_url = s.company_linkedin_url
WHEN NOT MATCHED BY TARGET THEN INSERT (
  vendor, operation, request_key, npi, run_id, segment, status, asked_at, responded_at, credits, cost_usd,
  email, email_status, email_confidence, email_type, email_verification, usable_email, phone, linkedin_url, title,
  company_name, company_domain, company_industry, company_size, company_founded, company_revenue, company_linkedin_url
) VALUES (
  s.vendor, s.operation, s.request_key, s.npi, s.run_id, s.segment, s.status, s.asked_at, s.responded_at, s.credits,
  s.cost_usd, s.email, s.email_status, s.email_confidence, s.email_type, s.email_verification, s.usable_email, s.phone,
  s.linkedin_url, s.title, s.company_name, s.company_domain, s.company_industry, s.company_size, s.company_founded,
  s.company_revenue, s.company_linkedin_url
)
WHEN NOT MATCHED BY SOURCE THEN DELETE
