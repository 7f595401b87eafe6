-- Before a board's edition takes its place: the list is not cut. It is compared with the newest edition that was loaded
-- up to its day, also with an earlier one of the same day.
-- @is_whole is 0 for a board that is read in portions.
-- @rows INT64, @is_whole INT64, @smallest_share FLOAT64, @source STRING, @partition DATE.
ASSERT @rows >= @is_whole * @smallest_share * IFNULL(
  (
    SELECT m.`rows` FROM ops.load_manifest AS m
    WHERE m.dataset_table = 'raw.board_license' AND m.source = @source AND m.`partition` <= @partition
    ORDER BY m.`partition` DESC
    LIMIT 1
  ),
  0
)
  AS 'far fewer rows than the edition before, which stays loaded: the file was cut at a line end, or the board took licensees out. Look at it; if it is right, run again with smallest_share 0';  -- noqa: LT05
