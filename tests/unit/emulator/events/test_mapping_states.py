import pytest

from emulator.events.mapping_states import SETTLED, MappingEvent, MappingState, change, step

STORIES = {
    "created and enabled": ("Creating", ["running"], "Enabled"),
    "created disabled": ("Creating", ["stopped"], "Disabled"),
    "disabled": ("Enabled", ["disable", "stopped"], "Disabled"),
    "enabled": ("Disabled", ["enable", "running"], "Enabled"),
    "updated": ("Enabled", ["update", "running"], "Enabled"),
    "updated while disabled": ("Disabled", ["update", "stopped"], "Disabled"),
    "deleted": ("Enabled", ["delete"], "Deleting"),
}


@pytest.mark.parametrize(("state", "events", "end"), STORIES.values(), ids=STORIES.keys())
def test_leads_through_the_states(state, events, end):
    """Each change leads through the state that the API names, to the one in which it ends."""
    state = MappingState(state)
    for event in events:
        state = step(state, MappingEvent(event))
    assert state == end


@pytest.mark.parametrize("state", sorted(set(MappingState) - SETTLED))
@pytest.mark.parametrize("event", ["enable", "disable", "update", "delete"])
def test_nothing_is_changed_during_a_change(state, event):
    """A mapping that is in use takes no further change."""
    with pytest.raises(ValueError, match="cannot"):
        step(state, MappingEvent(event))


def test_an_update_is_named_by_what_it_does():
    """Enabling and disabling have states of their own; any other change is an update."""
    assert change(was_enabled=True, is_enabled=False) is MappingEvent.DISABLE
    assert change(was_enabled=False, is_enabled=True) is MappingEvent.ENABLE
    assert change(was_enabled=True, is_enabled=True) is MappingEvent.UPDATE
