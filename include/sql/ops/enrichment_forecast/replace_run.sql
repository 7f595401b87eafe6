-- Write down the forecast of one run; forecast again, it is replaced. @run_id STRING, @as_of TIMESTAMP, @vendors STRING
-- (JSON array of vendor, candidates, not_asked, people, calls, credits, usd, usable, max_usd, seconds).
MERGE ops.enrichment_forecast AS t
USING (
  SELECT
    @run_id AS run_id,
    @as_of AS as_of,
    JSON_VALUE(v, '$.vendor') AS vendor,
    CAST(JSON_VALUE(v, '$.candidates') AS INT64) AS candidates,
    JSON_VALUE(v, '$.not_asked') AS not_asked,
    CAST(JSON_VALUE(v, '$.people') AS FLOAT64) AS people,
    CAST(JSON_VALUE(v, '$.calls') AS FLOAT64) AS calls,
    CAST(JSON_VALUE(v, '$.credits') AS FLOAT64) AS credits,
    CAST(JSON_VALUE(v, '$.usd') AS FLOAT64) AS usd,
    CAST(JSON_VALUE(v, '$.usable') AS FLOAT64) AS usable,
    CAST(JSON_VALUE(v, '$.max_usd') AS FLOAT64) AS max_usd,
    CAST(JSON_VALUE(v, '$.seconds') AS FLOAT64) AS seconds
  FROM UNNEST(JSON_QUERY_ARRAY(@vendors)) AS v
) AS s
ON t.run_id = s.run_id AND t.vendor = s.vendor
WHEN MATCHED THEN UPDATE SET
  as_of = s.as_of, candidates = s.candidates, not_asked = s.not_asked, expected_people = s.people,
  expected_calls = s.calls,
  expected_credits = s.credits, expected_usd = s.usd, expected_usable = s.usable, max_usd = s.max_usd,
  expected_seconds = s.seconds
WHEN NOT MATCHED BY TARGET THEN INSERT (
  run_id, vendor, as_of, candidates, not_asked, expected_people, expected_calls, expected_credits, expected_usd,
  expected_usable, max_usd, expected_seconds
) VALUES (
  s.run_id, s.vendor, s.as_of, s.candidates, s.not_asked, s.people, s.calls, s.credits, s.usd, s.usable,
  s.max_usd, s.seconds
)
WHEN NOT MATCHED BY SOURCE AND t.run_id = @run_id THEN DELETE
