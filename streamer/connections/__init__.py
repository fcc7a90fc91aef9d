"""Sending to connections: retries, many at once, and the signed request behind it."""
