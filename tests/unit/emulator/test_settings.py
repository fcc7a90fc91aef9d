"""A sandbox's switches: named by room, read from values or texts, refused with what there is."""

import pytest

from emulator.errors import InvalidSettings
from emulator.events.pacing import Polling
from emulator.settings import INLINE_ENVIRONMENTS, Settings


def test_changes_what_is_named_and_nothing_else():
    """Other settings of the room, and other rooms, keep their defaults."""
    changed = Settings().changed({"gateway": {"idle_timeout_s": 60}, "runtime": {"retry_delays_s": [1, 2]}})
    assert changed.gateway.idle_timeout_s == 60
    assert changed.gateway.max_duration_s == Settings().gateway.max_duration_s
    assert changed.runtime.retry_delays_s == (1.0, 2.0)
    assert changed.events == Settings().events


def test_reads_texts_of_a_command_line():
    """Numbers, booleans and choices may be written out; a part of a nested setting is enough."""
    changed = Settings().changed(
        {
            "gateway": {"pings_reset_idle": "true", "send_timeout_s": "0.5"},
            "runtime": {"max_environments": "3"},
            "events": {"polling": "aws"},
        }
    )
    assert changed.gateway.pings_reset_idle is True
    assert changed.gateway.send_timeout_s == 0.5
    assert changed.runtime.max_environments == 3
    assert changed.events.polling is Polling.AWS


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"gatway": {}}, "no room of settings called 'gatway'; there are gateway, "),
        ({"gateway": {"idle": 1}}, "no setting of gateway called 'idle'; there are idle_timeout_s, "),
        ({"gateway": {"idle_timeout_s": "soon"}}, "idle_timeout_s"),
        ({"events": {"polling": "often"}}, "'often'"),
    ],
    ids=["room", "name", "number", "choice"],
)
def test_what_is_not_there_is_refused_with_what_is(values, says):
    """A typing error is told before anything starts."""
    with pytest.raises(InvalidSettings, match=says):
        Settings().changed(values)


def test_inline_functions_have_fewer_environments():
    """The defaults of inline execution can be changed like the others."""
    assert Settings.inline().runtime.max_environments_per_function == INLINE_ENVIRONMENTS
    changed = Settings.inline().changed({"runtime": {"max_environments_per_function": 2}})
    assert changed.runtime.max_environments_per_function == 2
