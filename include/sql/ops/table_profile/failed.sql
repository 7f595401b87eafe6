-- Which of @table_names ARRAY<STRING> failed their gate at the newest point in time that it judged, whatever was judged
-- before.
SELECT table_name, as_of
FROM (
  SELECT table_name, as_of, LOGICAL_OR(good) AS passed
  FROM ops.table_profile
  WHERE table_name IN UNNEST(@table_names)
  GROUP BY table_name, as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY as_of DESC) = 1
)
WHERE NOT passed
ORDER BY table_name
