"""The control API: what a running emulator can be asked and told.

`api` is the server, `looking` the calls that only look, `experiments` those that change what happens.
"""
