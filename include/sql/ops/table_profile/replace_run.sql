-- Store the profile that one gate run measured; a rerun of the same task replaces it. @profile is a JSON array of
-- objects. One statement, because BigQuery cancels one of two transactions that change a table at the same time, and
-- queues two MERGEs.
-- @as_of STRING, @run_key STRING, @table_name STRING, @good BOOL, @profile STRING.
MERGE ops.table_profile AS kept
USING (
  SELECT
    DATE(TIMESTAMP(@as_of)) AS profile_date,
    TIMESTAMP(@as_of) AS as_of,
    @run_key AS run_key,
    @table_name AS table_name,
    @good AS good,
    JSON_VALUE(item, '$.metric') AS metric,
    JSON_VALUE(item, '$.column_name') AS column_name,
    JSON_VALUE(item, '$.category') AS category,
    CAST(JSON_VALUE(item, '$.value') AS FLOAT64) AS value
  FROM UNNEST(JSON_QUERY_ARRAY(@profile)) AS item
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.run_key = @run_key
  AND kept.table_name = @table_name
  AND kept.profile_date = DATE(TIMESTAMP(@as_of))
  THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (profile_date, as_of, run_key, table_name, good, metric, column_name, category, value)
  VALUES (
    told.profile_date, told.as_of, told.run_key, told.table_name, told.good, told.metric, told.column_name,
    told.category, told.value
  )
