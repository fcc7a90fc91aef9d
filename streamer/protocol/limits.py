"""The numbers that both sides of the protocol obey."""

SUBPROTOCOL = "streamer.v1"
"""The protocol's version, as a WebSocket subprotocol, where a client asks for one."""

MAX_FRAME_BYTES = 32_768
"""What a client sends in one frame at most. API Gateway quotas: a larger frame cuts the connection (1009)."""

MAX_MESSAGE_BYTES = 131_072
"""What a message holds at most, also one that is posted to a connection. API Gateway quotas."""

MAX_METADATA_BYTES = 120_000
"""What the metadata of one progress message holds at most, as JSON: a message has room for ids, times and
the words of the message beside it. Ours."""

MAX_ID_LENGTH = 128
"""Characters of a request's id. Ours."""

MAX_DEPTH = 100
"""Objects and arrays in one another, in a payload. Ours: with what is put around it on its way, it stays
far from the depth at which Python refuses to go on."""

MAX_NAME_LENGTH = 128
"""Characters of a tenant's or a user's id. Ours."""

MAX_ACTION_LENGTH = 128
"""Characters of an action's name. Ours; API Gateway's route keys are longer."""

SYNC_THRESHOLD_S = 5.0
"""An action that is estimated to take longer is queued. The original system's figure."""

MODE_KEY = "mode"
"""What a client's metadata names to say how its request is answered."""

MODE_ASYNC = "async"
"""Its one value: queue the request, although it may be short."""

ON_DISCONNECT_KEY = "on_disconnect"
"""What a client's metadata names to say what becomes of long work when its connection ends."""

ON_DISCONNECT_CANCEL = "cancel"
"""The request ends with the connection that it came on; without it, it goes on."""

METADATA_WORDS = {MODE_KEY: MODE_ASYNC, ON_DISCONNECT_KEY: ON_DISCONNECT_CANCEL}
"""The keys of a request's metadata that mean something to the server, each with its one word."""


MAX_SYNC_TIMEOUT_S = 25.0
"""Seconds that a short action may run: API Gateway answers for us after 29."""
