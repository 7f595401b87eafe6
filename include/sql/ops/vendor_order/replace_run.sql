-- Write down both orders of one run; judged again, they are replaced. @run_id STRING, @as_of TIMESTAMP, @applied BOOL,
-- @segments STRING (JSON array of segment, answers, fixed_order, fixed_usd, fixed_usable, learned_order, learned_usd,
-- learned_usable).
MERGE ops.vendor_order AS t
USING (
  SELECT
    *,
    SAFE_DIVIDE(fixed_usd, fixed_usable) - SAFE_DIVIDE(learned_usd, learned_usable) AS saving_usd_per_usable
  FROM (
    SELECT
      @run_id AS run_id,
      @as_of AS as_of,
      @applied AS applied,
      JSON_VALUE(v, '$.segment') AS segment,
      CAST(JSON_VALUE(v, '$.answers') AS INT64) AS answers,
      JSON_VALUE(v, '$.fixed_order') AS fixed_order,
      CAST(JSON_VALUE(v, '$.fixed_usd') AS FLOAT64) AS fixed_usd,
      CAST(JSON_VALUE(v, '$.fixed_usable') AS FLOAT64) AS fixed_usable,
      JSON_VALUE(v, '$.learned_order') AS learned_order,
      CAST(JSON_VALUE(v, '$.learned_usd') AS FLOAT64) AS learned_usd,
      CAST(JSON_VALUE(v, '$.learned_usable') AS FLOAT64) AS learned_usable
    FROM UNNEST(JSON_QUERY_ARRAY(@segments)) AS v
  )
) AS s
ON t.run_id = s.run_id AND t.segment = s.segment
WHEN MATCHED THEN UPDATE SET
  as_of = s.as_of, answers = s.answers, fixed_order = s.fixed_order, fixed_usd = s.fixed_usd,
  fixed_usable = s.fixed_usable,
  learned_order = s.learned_order, learned_usd = s.learned_usd, learned_usable = s.learned_usable,
  saving_usd_per_usable = s.saving_usd_per_usable, applied = s.applied
WHEN NOT MATCHED BY TARGET THEN INSERT (
  run_id, segment, as_of, answers, fixed_order, fixed_usd, fixed_usable, learned_order, learned_usd, learned_usable,
  saving_usd_per_usable, applied
) VALUES (
  s.run_id, s.segment, s.as_of, s.answers, s.fixed_order, s.fixed_usd, s.fixed_usable, s.learned_order, s.learned_usd,
  s.learned_usable, s.saving_usd_per_usable, s.applied
)
