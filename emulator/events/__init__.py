"""Event sources: what invokes functions without a client asking, DynamoDB streams and schedules.

`service.EventSources` is the whole of it. Rules live in modules without I/O (`filters`, `records`,
`batches`, `on_failure`, `pacing`, `shards`, `schedules`); `shard_reader`, `stream_poller` and
`schedule_runner` act on them; `aws_streams` alone knows botocore.
"""
