"""`MemoryDynamoDB`, the engine in memory: apart from the rest, so that no service imports it."""

from streamer.dynamorm.engines.memory import MemoryDynamoDB

__all__ = ["MemoryDynamoDB"]
