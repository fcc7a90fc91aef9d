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


def test_the_reason_of_a_lost_connection_can_be_chosen():
    """AWS's reason for 1006 is not known, so it is a setting's."""
    assert disconnect_facts(1005, None, lost_reason="x") == (1006, "x")
    assert disconnect_facts(1001, "", lost_reason="x") == (1001, "")


def test_a_closed_connection_stays_closed():
    """The table has no way out of CLOSED and none back to OPEN."""
    assert not [key for key in TRANSITIONS if key[0] is State.CLOSED]
    assert [key for key, state in TRANSITIONS.items() if state is State.OPEN] == [
        (State.CONNECTING, Event.ACCEPTED)
    ]


def make(clock, send=None, connection_id="R1kmxc2VNjMCFIA=", settings=SETTINGS, abort=lambda cut: None):
    origin = Origin("s", "a", "d", connection_id, 0, Identity())
    return Connection(origin, send, lambda: abort(True), clock, settings)


async def test_what_is_not_open_is_gone():
    """Neither a connection whose $connect runs nor one that was closed can be sent to."""
    connection = make(ManualClock())
    for event in (None, Event.ACCEPTED, Event.ENDED):
        if event is not None:
            connection.apply(event)
        if event is Event.ACCEPTED:
            assert connection.is_open
            continue
        with pytest.raises(ConnectionGone):
            await connection.send("x")


def test_a_connection_is_found_from_its_handshake_to_its_end():
    """An id is known, open or not, until the connection is removed; removing twice is nothing."""
    connections, connection = Connections(), make(ManualClock())
    connections.add(connection)
    assert connection.id in connections
    assert connections.find(connection.id) is connection
    connections.remove(connection)
    connections.remove(connection)
    assert connection.id not in connections
    assert connections.find(connection.id) is None


def test_a_cut_is_1006_and_happens_once():
    """Cutting aborts the socket, says 1006 with the reason of the settings, and leaves nothing open."""
    aborted = []
    connection = make(ManualClock(), settings=GatewaySettings(lost_reason="lost"), abort=aborted.append)
    assert not connection.cut()
    connection.apply(Event.ACCEPTED)
    assert connection.cut()
    assert not connection.cut()
    assert (aborted, connection.cause, connection.is_open) == ([True], (1006, "lost"), False)


async def test_a_connection_that_was_cut_is_not_closed_again():
    """A close after a cut sends nothing and keeps the cause."""
    connection = make(ManualClock())
    connection.apply(Event.ACCEPTED)
    connection.cut()
    await connection.close(1000, "Connection Closed Normally")
    assert connection.cause == (1006, "")


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
