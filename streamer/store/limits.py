"""The numbers of the store."""

DISPATCH_GRACE_S = 30.0
"""Seconds after which a request that nobody claimed is put into the stream again. Ours."""

DELIVERY_GRACE_S = 30.0
"""Seconds after which an outcome that is still marked undelivered is sent again. Ours."""

LEASE_MARGIN_S = 5.0
"""Seconds by which a lease outlasts its invocation: clocks differ, and a kill takes a moment. Ours."""

REQUEST_TTL_S = 7 * 24 * 3600
"""Seconds that a request is kept after its end. Ours."""

CONNECTION_TTL_S = 2 * 3600 + 600
"""Seconds that a connection is kept: API Gateway ends it after two hours; ten minutes are our margin."""

SEQUENCE_BLOCK = 1_000_000
"""Sequence numbers that one claim reserves. Ours: more messages than one invocation can send."""

MAX_STORED_BYTES = 300 * 1024
"""Bytes of one payload, result or error in its item. DynamoDB's items hold 400 KB, names included."""

MESSAGE_TTL_S = 24 * 3600
"""Seconds that a message of a request is kept for whoever missed it. Ours."""

MAX_KEPT_MESSAGES = 100
"""Messages that one attempt keeps; with a further one the oldest goes. Ours: the last minutes of its work."""

MAX_KEPT_BYTES = 8 * 1024
"""Bytes of a message that is kept whole; a larger one is kept without its metadata. Ours: 8 write units."""

MAX_REPLAY_BYTES = 64 * 1024
"""Bytes of the messages that one answer replays: half of what API Gateway carries. Ours."""

MAX_HISTORY = 20
"""Changes of a request that are kept, the latest. Ours: the hot item stays small."""

MAX_FAILURES = 10
"""Failed attempts of a request that are kept, the latest. Ours."""

MAX_FAILURE_LENGTH = 300
"""Characters of a failed attempt's message that are kept beside the last one's, which is kept whole. Ours."""

MAX_CONTINUATIONS = 1000
"""How often a request may go on in another invocation: ten days at 15 minutes. Ours; nothing is endless."""

RATE_LIMIT_RETRY_S = 2.0
"""Seconds after which a client that has too many requests in flight may try again. Ours."""

COUNTER_TTL_S = 7 * 24 * 3600
"""Seconds after its last use that a counter is kept. Ours."""

APART_S = 60.0
"""Seconds for which counters are written apart from requests after those got in each other's way. Ours."""
