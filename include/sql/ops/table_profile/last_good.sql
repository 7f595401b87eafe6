-- The profile of a table as its last good run left it, but for the run that asks: a task that runs again must see what
-- it saw. No rows: there was none. @table_name STRING, @run_key STRING.
SELECT metric, column_name, category, value
FROM ops.table_profile
WHERE table_name = @table_name
  AND run_key = (
    SELECT run_key
    FROM ops.table_profile
    WHERE table_name = @table_name AND good AND run_key != @run_key
    ORDER BY as_of DESC, run_key DESC
    LIMIT 1
  )
ORDER BY metric, column_name, category
