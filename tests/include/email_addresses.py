"""Addresses as people, vendors and mail servers write them, and what each of them is: for the Python and the SQL reader."""

BOM, ZERO_WIDTH, NO_BREAK = "\ufeff", "\u200b", "\u00a0"
DANA = "dana@brightsmile.example"

# (as written, the address that is compared and hashed or None)
WRITTEN = [
    (DANA, DANA),
    ("  DANA@BrightSmile.EXAMPLE\r\n", DANA),
    (f"Dana <{DANA}>", DANA),
    (f'"Reed, Dana" <{DANA}>', DANA),
    (f"'{DANA}' <{DANA}>", DANA),
    ("dana@old.example <dana@brightsmile.example>", DANA),
    (f"<{DANA}>", DANA),
    (f"< {DANA} >", DANA),
    (f"Dana Reed {DANA}", DANA),
    (f"{DANA} (Dana Reed)", DANA),
    (f"mailto:{DANA}?subject=unsubscribe", DANA),
    (f"'{DANA}'", DANA),
    (f'"{DANA}"', DANA),
    (f"{DANA}.", DANA),
    (f"{DANA},", DANA),
    (f"{BOM}{DANA}", DANA),
    (f"dana{ZERO_WIDTH}@brightsmile.example", DANA),
    (f"{NO_BREAK}{DANA}{NO_BREAK}", DANA),
    (f"Dana\t{DANA}", DANA),
    ("o'brien+news@brightsmile.example", "o'brien+news@brightsmile.example"),
    ("dana@brightsmile", "dana@brightsmile"),
    ("dana..reed@brightsmile.example", "dana..reed@brightsmile.example"),
    ("", None),
    ("   ", None),
    ("n/a", None),
    ("dana at brightsmile.example", None),
    ("@brightsmile.example", None),
    ("dana@", None),
    (f"{DANA}, lee@brightsmile.example", None),
    (f"{DANA};lee@brightsmile.example", None),
]
