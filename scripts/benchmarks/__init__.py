"""How fast it is, and how large: each module prints a table and takes `--json FILE`."""
