-- The board's slice holds exactly the rows that were converted, every record is accounted for, and the list is not cut.
ASSERT (SELECT COUNT(*) FROM raw.board_license WHERE file_date = @partition AND source = @source) = @rows
  AS 'raw.board_license: the slice does not hold the rows that were converted; clear convert_file and run again';

ASSERT @source_rows = @rows + @rejected_rows
  AS 'raw.board_license: records in the file are not rows + rejected rows; see the log of convert_file';

-- @is_whole is 0 for a board that is read in portions.
ASSERT @rows >= @is_whole * @smallest_share * IFNULL(
  (
    SELECT m.`rows` FROM ops.load_manifest AS m
    WHERE m.dataset_table = 'raw.board_license' AND m.source = @source AND m.`partition` < @partition
    ORDER BY m.`partition` DESC
    LIMIT 1
  ),
  0
)
  AS 'raw.board_license: far fewer rows than the edition before: the file was cut at a line end, or the board took licensees out. Look at it; if it is right, run again with smallest_share 0';
