"""Keeps an idle connection open, and finds out that nobody is there."""

import asyncio

from streamer.clients.python.driver import Driver
from streamer.clients.python.keeper import Keeper

HEARTBEAT_ANSWER_S = 30.0
"""Seconds in which anything must arrive after a heartbeat. API Gateway answers for the function after 29."""


async def beat(driver: Driver, keeper: Keeper, interval_s: float) -> None:
    """Ask in every silence whether anybody is there, and cut the connection that does not answer."""
    while driver.session.lost is None:
        silent_s = driver.now - driver.heard_at
        if silent_s < interval_s or not keeper.connection.is_open:
            await asyncio.sleep(max(interval_s - silent_s, 0.1))
            continue
        connection, asked_at = keeper.connection, driver.now
        driver.session.beat(now=asked_at, deadline_s=HEARTBEAT_ANSWER_S)
        driver.pump()
        while driver.heard_at < asked_at and connection.is_open:
            left_s = asked_at + HEARTBEAT_ANSWER_S - driver.now
            if left_s <= 0:
                connection.abort()
                await connection.wait_closed()
            await asyncio.sleep(max(0.0, min(left_s, interval_s)))
