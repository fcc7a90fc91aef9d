"""A sandbox's switches: named by room, read from values or texts, refused with what there is."""

import pytest

from emulator.errors import InvalidSettings
from emulator.events.pacing import Polling
from emulator.sandbox import Sandbox
from emulator.settings import INLINE_ENVIRONMENTS, MAY_BE_ZERO, Settings


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


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("gateway.idle_timeout_s", -60, "a number greater than 0"),
        ("gateway.idle_timeout_s", "0", "a number greater than 0"),
        ("gateway.idle_timeout_s", "nan", "a number greater than 0"),
        ("gateway.max_duration_s", float("inf"), "a number greater than 0"),
        ("gateway.max_in_flight", 0, "a whole number greater than 0"),
        ("gateway.max_in_flight", "1.5", "a whole number greater than 0"),
        ("gateway.close_timeout_s", -1, "a number, 0 or greater"),
        ("gateway.pings_reset_idle", "perhaps", "true or false"),
        ("gateway.lost_reason", 5, "a text"),
        ("account.connections_per_s", 0, "a number greater than 0"),
        ("runtime.init_timeout_s", 0, "a number greater than 0"),
        ("runtime.max_environments", 0, "a whole number greater than 0"),
        ("runtime.max_environments", True, "a whole number greater than 0"),
        ("runtime.retry_delays_s", [60, -1], "a list, each of it a number, 0 or greater"),
        ("runtime.start_method", "thread", "auto or fork or spawn"),
        ("events.retry_first_s", -1, "a number greater than 0"),
    ],
)
def test_value_out_of_its_range_is_refused(name, value, takes):
    """The sentence has the setting's name, the value, and which values it takes; nothing of a library."""
    room, _, setting = name.partition(".")
    with pytest.raises(InvalidSettings) as refusal:
        Settings().changed({room: {setting: value}})
    assert str(refusal.value) == f"The setting {name} cannot be {value!r}: it takes {takes}."


@pytest.mark.parametrize("values", [5, {"gateway": 5}, {"gateway": None}], ids=str)
def test_settings_that_are_no_mapping_are_refused(values):
    """Rooms and settings are given by name."""
    with pytest.raises(InvalidSettings, match="given by name"):
        Settings().changed(values)


def test_numbers_that_may_be_zero_exist_and_may():
    """Each name that is listed is one of a setting, and takes 0."""
    for name in MAY_BE_ZERO:
        room, _, setting = name.partition(".")
        kind = type(getattr(getattr(Settings(), room), setting))
        Settings().changed({room: {setting: [0] if kind is tuple else 0}})


@pytest.mark.parametrize("settings", [5, {"gateway": 5}, {"gateway": {"idle_timeout_s": -60}}], ids=str)
def test_sandbox_refuses_them_before_anything_starts(settings):
    """They are checked where the sandbox is described."""
    with pytest.raises(InvalidSettings):
        Sandbox(settings=settings)


def test_inline_functions_have_fewer_environments():
    """The defaults of inline execution can be changed like the others."""
    assert Settings.inline().runtime.max_environments_per_function == INLINE_ENVIRONMENTS
    changed = Settings.inline().changed({"runtime": {"max_environments_per_function": 2}})
    assert changed.runtime.max_environments_per_function == 2
