"""What the parity suite runs on: one programmable application, and the targets it can be pointed at.

`tests/parity/README.md` says how a row test is written with it.
"""
