"""The states of an event source mapping and what moves it from one to the next. Values only.

Source:
    Lambda API reference, `EventSourceMappingConfiguration.State`; transitions as recorded on AWS, 2024.
"""

from enum import StrEnum


class MappingState(StrEnum):
    """Where a mapping stands; the words are the API's."""

    CREATING = "Creating"
    ENABLING = "Enabling"
    ENABLED = "Enabled"
    DISABLING = "Disabling"
    DISABLED = "Disabled"
    UPDATING = "Updating"
    DELETING = "Deleting"


class MappingEvent(StrEnum):
    """What happens to a mapping: what a caller asks for, and what its poller has come to."""

    ENABLE = "enable"
    DISABLE = "disable"
    UPDATE = "update"
    DELETE = "delete"
    RUNNING = "running"
    STOPPED = "stopped"


_TABLE: dict[tuple[MappingState, MappingEvent], MappingState] = {
    (MappingState.CREATING, MappingEvent.RUNNING): MappingState.ENABLED,
    (MappingState.CREATING, MappingEvent.STOPPED): MappingState.DISABLED,
    (MappingState.ENABLED, MappingEvent.DISABLE): MappingState.DISABLING,
    (MappingState.ENABLED, MappingEvent.UPDATE): MappingState.UPDATING,
    (MappingState.ENABLED, MappingEvent.DELETE): MappingState.DELETING,
    (MappingState.DISABLED, MappingEvent.ENABLE): MappingState.ENABLING,
    (MappingState.DISABLED, MappingEvent.UPDATE): MappingState.UPDATING,
    (MappingState.DISABLED, MappingEvent.DELETE): MappingState.DELETING,
    (MappingState.ENABLING, MappingEvent.RUNNING): MappingState.ENABLED,
    (MappingState.DISABLING, MappingEvent.STOPPED): MappingState.DISABLED,
    (MappingState.UPDATING, MappingEvent.RUNNING): MappingState.ENABLED,
    (MappingState.UPDATING, MappingEvent.STOPPED): MappingState.DISABLED,
}

SETTLED = frozenset({MappingState.ENABLED, MappingState.DISABLED})
"""The states in which a mapping can be changed or deleted; in any other it is in use."""


def step(state: MappingState, event: MappingEvent) -> MappingState:
    """Return the state after `event`.

    Raises:
        ValueError: the event is not allowed in that state.
    """
    following = _TABLE.get((state, event))
    if following is None:
        raise ValueError(f"An event source mapping that is {state} cannot {event}.")
    return following


def change(*, was_enabled: bool, is_enabled: bool) -> MappingEvent:
    """Return what an update is: enabling, disabling, or a change of anything else."""
    if was_enabled == is_enabled:
        return MappingEvent.UPDATE
    return MappingEvent.ENABLE if is_enabled else MappingEvent.DISABLE
