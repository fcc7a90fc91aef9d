"""Sending to destinations on the real back end."""

import pytest

from emulator.application import Destination
from emulator.destinations import AwsDestinations
from emulator.errors import BackendFailed


async def test_sends_to_a_queue(world):
    """A message arrives in the queue of that name; a queue that is not there is a failure."""
    destinations = AwsDestinations(lambda: world.endpoint_url)
    await destinations.send(Destination.queue(world.queue), '{"a": 1}')
    assert await world.message() == {"a": 1}
    with pytest.raises(BackendFailed):
        await destinations.send(Destination.queue("no-such-queue"), "{}")
