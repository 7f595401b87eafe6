"""The embedded stack: what ``make test``, ``make demo`` and ``make up`` start on one machine and stop again."""
