"""The vendor sandbox: each vendor's published contract, and behind it one seeded world (DESIGN.md, section 7)."""
