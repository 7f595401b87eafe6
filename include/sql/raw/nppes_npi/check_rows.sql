-- The partition holds exactly the rows that the conversion wrote, and every record of the file is accounted for.
ASSERT (SELECT COUNT(*) FROM raw.nppes_npi WHERE file_date = @partition) = @rows
  AS 'raw.nppes_npi: the partition does not hold the rows that were converted; clear convert_npidata and run again';

ASSERT @source_rows = @rows + @rejected_rows
  AS 'raw.nppes_npi: records in the file are not rows + rejected rows; see the log of convert_npidata';
