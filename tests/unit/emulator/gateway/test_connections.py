"""The life of a connection: deadlines, ends, and the table of states."""

import pytest

from emulator.clock import ManualClock
from emulator.gateway.connections import (
    TRANSITIONS,
    Connection,
    ConnectionGone,
    Connections,
    Event,
    State,
    deadline,
    disconnect_facts,
)
from emulator.gateway.events import Identity, Origin
from emulator.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()


@pytest.mark.parametrize(
    ("opened", "last_active", "due"),
    [(0, 0, 600), (0, 599, 1199), (0, 6_700, 7_200), (100, 7_000, 7_300)],
    ids=["idle", "active", "two hours", "two hours from its start"],
)
def test_the_deadline(opened, last_active, due):
    """Ten idle minutes or two hours, whichever is first."""
    assert deadline(opened=opened, last_active=last_active, settings=SETTINGS) == due


@pytest.mark.parametrize(
    ("code", "reason", "facts"),
    [
        (1005, "", (1005, "Client-side close frame status not set")),
        (1001, "", (1001, "")),
        (1000, "bye", (1000, "bye")),
        (4321, "mine", (4321, "mine")),
        (1005, None, (1006, "")),
        (1006, None, (1006, "")),
    ],
    ids=["no status", "tab closed", "normal", "own code", "lost", "lost early"],
)
def test_what_a_disconnect_event_says(code, reason, facts):
    """The pairs of code and reason that AWS reports."""
    assert disconnect_facts(code, reason) == facts


def test_a_closed_connection_stays_closed():
    """The table has no way out of CLOSED and none back to OPEN."""
    assert not [key for key in TRANSITIONS if key[0] is State.CLOSED]
    assert [key for key, state in TRANSITIONS.items() if state is State.OPEN] == [
        (State.CONNECTING, Event.ACCEPTED)
    ]


def make(clock, send=None, connection_id="R1kmxc2VNjMCFIA=", settings=SETTINGS):
    origin = Origin("s", "a", "d", connection_id, 0, Identity())
    return Connection(origin, send, lambda: None, clock, settings)


async def test_what_is_not_open_is_gone():
    """Neither a connection whose $connect runs nor one that was closed can be sent to."""
    connections, connection = Connections(), make(ManualClock())
    connections.add(connection)
    for event in (None, Event.ACCEPTED, Event.ENDED):
        if event is not None:
            connection.apply(event)
        if event is Event.ACCEPTED:
            assert connections.get_open(connection.id) is connection
            continue
        with pytest.raises(ConnectionGone):
            connections.get_open(connection.id)
        with pytest.raises(ConnectionGone):
            await connection.send("x")


async def test_sending_is_activity():
    """A message to the client moves the deadline, and is told as last activity."""
    sent = []

    async def send(message):
        sent.append(message)

    clock = ManualClock(1_000)
    connection = make(clock, send)
    connection.apply(Event.ACCEPTED)
    clock.advance(500)
    await connection.send("hi")
    assert sent == [{"type": "websocket.send", "text": "hi"}]
    assert connection.deadline == 1_100
    assert connection.last_active_at == 1_500


def test_only_open_connections_are_due():
    """A handshake that takes long is not idle."""
    clock, connections = ManualClock(), Connections()
    connecting, opened = make(clock), make(clock, connection_id="TXzPWdnOjoECGjA=")
    connections.add(connecting)
    connections.add(opened)
    opened.apply(Event.ACCEPTED)
    assert list(connections.list_due(599)) == []
    assert list(connections.list_due(600)) == [opened]
