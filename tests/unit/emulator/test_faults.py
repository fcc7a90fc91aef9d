"""Faults strike where, when and as often as they were declared to."""

import pytest

from emulator.faults import Fault, FaultKind, Faults

KILL = FaultKind.KILL_ENVIRONMENT


def test_strikes_only_where_its_facts_are_equal():
    """A fault limited to one function leaves the others alone."""
    faults = Faults()
    faults.add(Fault(KILL, {"function": "a"}))
    assert faults.strike(KILL, function="b") is None
    assert faults.strike(FaultKind.DELAY_POST, function="a") is None
    assert faults.strike(KILL, function="a") is not None


@pytest.mark.parametrize(("times", "struck"), [(1, 1), (3, 3), (None, 5)])
def test_strikes_as_often_as_declared(times, struck):
    """`times` bounds it; None is for ever."""
    faults = Faults()
    faults.add(Fault(KILL, times=times))
    assert sum(faults.strike(KILL) is not None for _ in range(5)) == struck


def test_skips_occasions_first():
    """`skip` occasions pass before the first strike."""
    faults = Faults()
    faults.add(Fault(KILL, skip=2))
    assert [faults.strike(KILL) is not None for _ in range(4)] == [False, False, True, False]


def test_the_same_seed_strikes_the_same_occasions():
    """Two runs with one seed are equal, another seed differs."""

    def run(seed):
        faults = Faults()
        faults.add(Fault(KILL, probability=0.5, times=None, seed=seed))
        return [faults.strike(KILL) is not None for _ in range(64)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 10 < sum(run(1)) < 54


def test_can_be_taken_back():
    """A removed fault strikes no more; one that is not there is a KeyError."""
    faults = Faults()
    fault_id = faults.add(Fault(KILL))
    assert [told["id"] for told in faults.describe()] == [fault_id]
    faults.remove(fault_id)
    assert faults.strike(KILL) is None
    with pytest.raises(KeyError):
        faults.remove(fault_id)


def test_a_strike_is_told_with_its_place():
    """Whoever listens learns what struck where; what only could have struck is not told."""
    told = []
    faults = Faults(lambda fault, facts: told.append((fault.kind, dict(facts))))
    faults.add(Fault(KILL, {"function": "a"}))
    faults.strike(KILL, function="b")
    faults.strike(KILL, function="a")
    assert told == [(KILL, {"function": "a"})]
