"""Offering calls: how many are made, and from when their time counts. The calls are made up."""

import asyncio

from bench.number import percentile
from bench.offered import offer, press


async def test_calls_are_made_whether_earlier_ones_are_answered_or_not_and_waiting_counts() -> None:
    made: list[int] = []
    all_made = asyncio.Event()

    async def hang() -> None:
        made.append(len(made))
        if len(made) == 20:
            all_made.set()
        await all_made.wait()

    answers = await offer([hang], rate=200, seconds=0.1)
    assert (answers.offered, answers.refused, len(answers.latencies)) == (20, 0, 20)
    # The first was due long before the last.
    assert answers.latencies[-1] >= 90
    assert list(answers.latencies) == sorted(answers.latencies)


async def test_so_many_calls_are_under_way_at_once_and_each_in_its_turn() -> None:
    under_way, most, made = 0, 0, {"a": 0, "b": 0}

    async def call(name: str) -> None:
        nonlocal under_way, most
        under_way += 1
        made[name] += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    answers = await press([lambda: call("a"), lambda: call("b")], at_once=4, seconds=0.05)
    assert most == 4
    assert answers.offered == sum(made.values())
    assert min(made.values()) > 0


def test_a_percentile_is_one_of_the_values() -> None:
    ordered = [float(number) for number in range(1, 101)]
    assert [percentile(ordered, percent) for percent in (0, 50, 99, 100)] == [1.0, 50.0, 99.0, 100.0]
