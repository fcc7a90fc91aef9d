"""Many requests at once: none waits for a slow one, and none is forgotten. How soon, the benchmark says."""

import asyncio

import pytest

from emulator import Sandbox
from streamer.clients.python import RequestFailed
from tests.end_to_end.conftest import Person

pytestmark = pytest.mark.slow

MANY = 200
WITHIN_S = 240
"""Until it counts as never happening; on two idle cores it takes an eighth of that."""


@pytest.mark.timeout(2 * WITHIN_S)
async def test_many_requests_beside_one_that_takes_long(sandbox: Sandbox, person: Person) -> None:
    """All that were sent together complete in their first attempt, while the long one still runs."""
    client = await sandbox.connect(person.user, person.tenant)
    try:
        long = client.request("sleep", {"seconds": 3 * WITHIN_S, "steps": 1000})
        await long.acknowledgment()
        requests = [client.request("sleep", {"seconds": 2, "steps": 2}) for _ in range(MANY)]
        async with asyncio.timeout(WITHIN_S):
            results = await asyncio.gather(*requests)
        assert [result["attempt"] for result in results] == [1] * MANY
        assert not long.is_done
        await long.cancel()
        with pytest.raises(RequestFailed) as caught:
            await long
        assert caught.value.code == "CANCELLED"
    finally:
        await client.close()
