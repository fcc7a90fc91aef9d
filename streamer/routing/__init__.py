"""The way of a message: who sends it, which action it names, answered now or queued."""
