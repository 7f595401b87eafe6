-- Bring ops.vendor_usage to what raw.vendor_response says. @vendors STRING (those of the waterfall, with commas).
MERGE ops.vendor_usage AS t
USING (
  SELECT
    r.requested_date AS usage_date,
    r.vendor,
    r.operation,
    CASE WHEN r.vendor IN UNNEST(SPLIT(@vendors)) THEN 'email' WHEN r.vendor = 'twilio' THEN 'phone' ELSE 'other' END
      AS field,
    COALESCE(r.segment, 'unknown') AS segment,
    COALESCE(r.run_id, 'unknown') AS run_id,
    COUNT(DISTINCT COALESCE(r.call_key, r.request_key)) AS calls,
    COUNT(*) AS requests,
    COUNTIF(a.email IS NOT NULL OR JSON_VALUE(r.body, '$.line_type_intelligence.type') IS NOT NULL) AS found,
    COUNTIF(COALESCE(a.usable_email, FALSE) OR JSON_VALUE(r.body, '$.line_type_intelligence.type') IS NOT NULL)
      AS usable,
    COUNTIF(r.status = 'outcome_unknown') AS outcome_unknown,
    SUM(r.credits) AS credits,
    SUM(r.cost_usd) AS cost_usd
  FROM raw.vendor_response AS r
  LEFT JOIN enriched.answer AS a ON a.vendor = r.vendor AND a.operation = r.operation AND a.request_key = r.request_key
  GROUP BY 1, 2, 3, 4, 5, 6
) AS s
ON t.usage_date = s.usage_date
  AND t.vendor = s.vendor
  AND t.operation = s.operation
  AND t.field = s.field
  AND t.segment = s.segment
  AND t.run_id = s.run_id
WHEN MATCHED AND (
  t.calls != s.calls OR t.requests != s.requests OR t.found != s.found OR t.usable != s.usable
    OR t.outcome_unknown != s.outcome_unknown
  OR t.credits != s.credits OR t.cost_usd != s.cost_usd
) THEN UPDATE SET
  calls = s.calls, requests = s.requests, found = s.found, usable = s.usable, outcome_unknown = s.outcome_unknown,
  credits = s.credits, cost_usd = s.cost_usd
WHEN NOT MATCHED BY TARGET THEN INSERT (
  usage_date, vendor, operation, field, segment, run_id, calls, requests, found, usable, outcome_unknown, credits,
  cost_usd
) VALUES (
  s.usage_date, s.vendor, s.operation, s.field, s.segment, s.run_id, s.calls, s.requests, s.found, s.usable,
  s.outcome_unknown,
  s.credits, s.cost_usd
)
WHEN NOT MATCHED BY SOURCE THEN DELETE
