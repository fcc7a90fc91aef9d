"""Event sources: what invokes functions without a client asking: streams, queues and schedules.

`service.EventSources` is the whole of it, `api.EventSourceMappingsApi` its mappings through boto3. Rules
live in modules without I/O (`filters`, `records`, `batches`, `progress`, `on_failure`, `queue_batches`,
`schedules` and others); a `mapping_runner` keeps one mapping's state and its poller. A `stream_poller`
keeps a `shard_reader` on each shard, which deals the records out to `lane`s, and a lane's `delivery` takes
its batches to the function. A `queue_poller` receives messages, which a `queue_delivery` takes there.
`aws_streams`, `aws_queues` and their `aws_calls` alone know botocore.
"""
