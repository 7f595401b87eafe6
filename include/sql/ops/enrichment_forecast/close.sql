-- Write what every run came to beside its forecast. Answers that a later run fetched still count for the run that
-- asked.
MERGE ops.enrichment_forecast AS t
USING (
  SELECT
    run_id,
    vendor,
    COUNT(*) AS people,
    SUM(credits) AS credits,
    SUM(cost_usd) AS usd,
    COUNTIF(usable_email) AS usable,
    TIMESTAMP_DIFF(MAX(COALESCE(responded_at, asked_at)), MIN(asked_at), SECOND) AS seconds
  FROM enriched.answer
  WHERE run_id IS NOT NULL
  GROUP BY run_id, vendor
) AS s
ON t.run_id = s.run_id AND t.vendor = s.vendor
WHEN MATCHED THEN UPDATE SET
  actual_people = s.people, actual_credits = s.credits, actual_usd = s.usd, actual_usable = s.usable,
  actual_seconds = s.seconds
WHEN NOT MATCHED BY SOURCE AND t.actual_people IS NULL THEN UPDATE SET
  actual_people = 0, actual_credits = 0, actual_usd = 0, actual_usable = 0, actual_seconds = 0
