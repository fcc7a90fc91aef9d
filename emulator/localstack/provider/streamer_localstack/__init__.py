"""What runs inside LocalStack's own environment: an embedded DynamoDB with AWS's streams, bound to loopback.

This package is put on LocalStack's `sys.path` as it is (`PYTHONPATH`), next to
`streamer_localstack.dist-info`, whose entry points LocalStack's plugin manager finds.

Of `emulator` it uses one file, `faults.py`, which it loads by its place. `engine/`, which mends moto, imports
nothing of LocalStack.
"""
