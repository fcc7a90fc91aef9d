"""What a seed stands for."""

import pytest

from scripts.fault_suite.plan import WORK, Advance, Cut, Kill, Kind, make_plan


def test_same_seed_gives_the_same_plan() -> None:
    """A seed that was printed replays: requests, faults with their dice, and acts are equal."""
    assert make_plan(7, 200) == make_plan(7, 200)


def test_other_seed_gives_another_plan() -> None:
    """Another seed is another storm, with ids of its own."""
    one, other = make_plan(1, 50), make_plan(2, 50)
    assert not {request.id for request in one.requests} & {request.id for request in other.requests}
    assert [request.kind for request in one.requests] != [request.kind for request in other.requests]


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_and_act_occurs_in_a_large_plan(seed: int) -> None:
    """A thousand requests have every kind, are repeated and viewed, and every kind of act lies between."""
    plan = make_plan(seed, 1_000)
    assert {request.kind for request in plan.requests} == set(Kind) == set(WORK)
    assert any(request.twice for request in plan.requests)
    assert any(request.viewed for request in plan.requests)
    acts = [act for acts in plan.acts.values() for act in acts]
    assert {type(act) for act in acts} == {Kill, Cut, Advance}
    assert {act.by_client for act in acts if isinstance(act, Cut)} == {True, False}


def test_short_requests_have_no_viewers() -> None:
    """What is answered at once leaves nothing that another connection could follow."""
    assert not any(request.viewed for request in make_plan(3, 500).requests if request.kind is Kind.SHORT)


def test_every_fault_has_dice_of_its_own() -> None:
    """Two faults with the same seed would always strike together."""
    seeds = [fault.seed for fault in make_plan(1, 10).faults]
    assert len(set(seeds)) == len(seeds)
