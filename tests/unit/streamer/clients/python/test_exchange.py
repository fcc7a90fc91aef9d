"""`History`: what a reader sees at its own pace."""

from streamer.clients.python.exchange import HISTORY_LENGTH, LEADS_TO, MAX_LAG, History, Phase
from streamer.clients.python.incoming import Received, UnknownMessage
from streamer.protocol import Message


def message(number: int) -> Received:
    return Received(UnknownMessage(str(number)), float(number))


def read(history: History, position: int) -> tuple[list[float], int]:
    seen = []
    while True:
        received, position = history.after(position)
        if received is None:
            return seen, position
        seen.append(received.at)


def test_each_reader_has_its_own_place() -> None:
    """Two readers of one history see the same, and each sees what came since it last looked."""
    history = History()
    for number in range(3):
        history.append(message(number))
    seen, position = read(history, 0)
    history.append(message(3))
    assert (seen, read(history, position)[0], read(history, 0)[0]) == ([0, 1, 2], [3], [0, 1, 2, 3])


def test_slow_reader_skips_the_oldest_and_never_the_newest() -> None:
    """Who is too far behind goes on with the newest messages."""
    history = History()
    for number in range(HISTORY_LENGTH * 2):
        history.append(message(number))
    seen, _ = read(history, 1)
    assert seen == list(range(HISTORY_LENGTH * 2 - MAX_LAG, HISTORY_LENGTH * 2))


def test_history_is_bounded() -> None:
    """However long a request runs, a bounded number of its messages is kept, the newest."""
    history = History()
    for number in range(HISTORY_LENGTH + 10):
        history.append(message(number))
    kept = [each.at for each in history]
    assert (len(kept), kept[0], kept[-1]) == (HISTORY_LENGTH, 10.0, HISTORY_LENGTH + 9.0)


def test_every_message_has_its_place_in_the_lifecycle() -> None:
    """The table covers the protocol: a message that it lacks would break the reader."""
    assert set(LEADS_TO) == set(Message.__args__)
    assert Phase.SENT not in LEADS_TO.values()
