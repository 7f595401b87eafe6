-- Which partitions of which source were loaded.
SELECT DISTINCT source, `partition` FROM ops.load_manifest ORDER BY source, `partition`
