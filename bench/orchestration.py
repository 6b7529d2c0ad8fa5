"""Jobs a second through four stages that do nothing, against the same chain in Celery over Redis."""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench import stages
from bench.celery_workers import Peer, redis_server
from bench.measurement import Bench, Figure, Finding, Size, figure
from bench.run import Run
from bench.stage_mesh import Account, Mesh

IN_FLIGHT = 400
"""Jobs that are under way at once."""
OURS = "vidmesh"
OURS_SAFE = "vidmesh, the broker flushing before each acknowledgement"
CELERY = "Celery"
CELERY_SOLO = "Celery, a task at a time in each worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to run."""

    repeats: int
    seconds: float
    """How long each repeat is to take, by the rate that was seen while warming up."""
    warm_up: int
    """Jobs for that."""
    alone: int
    """Jobs that are sent one after the other, for the latency of one."""


PLANS: Mapping[Size, Plan] = {
    Size.SMOKE: Plan(repeats=1, seconds=1, warm_up=40, alone=5),
    Size.FULL: Plan(repeats=3, seconds=9, warm_up=200, alone=60),
}


async def measure(bench: Bench) -> Finding:
    """Orchestration: jobs a second through four stages that do nothing."""
    plan = PLANS[bench.size]
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    alone: dict[str, float] = {}
    async with contextlib.AsyncExitStack() as stack:
        sides: dict[str, Mesh | Peer] = {}
        for name, sync_interval in ((OURS, "1s"), (OURS_SAFE, "always")):
            bench.say(f"starting {name}")
            folder = bench.folder / sync_interval
            sides[name] = await stack.enter_async_context(Mesh.running(folder, sync_interval=sync_interval))
        redis = redis_server()
        if redis is not None:
            for name, pool in ((CELERY, "threads"), (CELERY_SOLO, "solo")):
                bench.say(f"starting {name}")
                sides[name] = await stack.enter_async_context(
                    Peer.running(bench.folder / pool, redis, pool=pool)
                )
        jobs: dict[str, int] = {}
        for name, side in sides.items():
            warm = await side.run(plan.warm_up, in_flight=IN_FLIGHT)
            jobs[name] = max(plan.warm_up, int(warm.rate * plan.seconds))
        for repeat in range(plan.repeats):
            for name, side in sides.items():
                runs[name].append(await side.run(jobs[name], in_flight=IN_FLIGHT))
                bench.say(f"{name}, {repeat + 1} of {plan.repeats}: {runs[name][-1].rate:.0f} jobs/s")
        for name, side in sides.items():
            alone[name] = 1000 * median((await side.run(plan.alone, in_flight=1)).latencies)
        ours = sides[OURS]
        assert isinstance(ours, Mesh)
        bench.say("looking where our time goes")
        account = await ours.account(bench.folder, max(plan.warm_up, jobs[OURS] // 4), in_flight=IN_FLIGHT)
    return _finding(runs, alone, account)


def _finding(runs: Mapping[str, Sequence[Run]], alone: Mapping[str, float], account: Account) -> Finding:
    rates = {name: median(run.rate for run in some) for name, some in runs.items()}
    figures: list[Figure] = []
    for name, some in runs.items():
        figures += [
            figure(f"{name}", rates[name], "jobs/s"),
            figure(f"{name}, processor time of a job", median(run.cpu_ms for run in some), "ms"),
            figure(f"{name}, one job alone, median", alone[name], "ms"),
        ]
    if CELERY in runs:
        figures += [
            figure(f"{OURS} / {CELERY}", _ratio(runs, OURS, CELERY), at_least=4),
            figure(f"{OURS_SAFE} / {CELERY}", _ratio(runs, OURS_SAFE, CELERY), at_least=1.6),
            figure(f"{OURS} / {CELERY_SOLO}", _ratio(runs, OURS, CELERY_SOLO)),
        ]
    figures += [
        figure("statements of a job", account.statements, ""),
        figure("commits of a job", account.commits, ""),
    ]
    parts = {
        name: 1000 * median(run.cpu[name] / run.jobs for run in runs[OURS]) for name in runs[OURS][0].cpu
    }
    notes = [
        "A job of ours: "
        + ", ".join(f"{part} {spent:.2f} ms" for part, spent in parts.items())
        + " of processor time.",
        "Of the stages' own time, while they were profiled: "
        + ", ".join(f"{part} {100 * share:.0f} %" for part, share in account.shares.items())
        + ".",
    ]
    if CELERY not in runs:
        notes.append("Celery and Redis are not installed here: these are our own figures alone.")
    return Finding(
        number=6,
        title="Orchestration",
        method=(
            f"Jobs go through four stages that do nothing, at most {IN_FLIGHT} under way at once; one process for each stage,"
            f" {stages.CONCURRENCY} pieces of work at a time in each. Ours are built on the runtime's follower, worker and relay as"
            " the services are: each stage follows the fact of the one before, keeps a work row, leases it, and completes it with a"
            " row of its own and a fact in one transaction; what is waiting is done several at a time. A watcher checks that every"
            " fact of every job comes once and in order. Celery runs a chain of four tasks, a worker process for each with as many"
            " threads, and one with its solo pool, over Redis with its result backend. Runs alternate; medians. Processor time is"
            " that of all processes that take part, servers and clients too."
        ),
        figures=tuple(figures),
        notes=tuple(notes),
        raw={
            "runs": {
                name: [{"jobs": run.jobs, "seconds": run.seconds, "cpu": dict(run.cpu)} for run in some]
                for name, some in runs.items()
            },
            "statements": dict(account.by_statement),
        },
    )


def _ratio(runs: Mapping[str, Sequence[Run]], one: str, other: str) -> float:
    """The median of the ratios within each repeat, as the machine's mood changes between them."""
    return median(a.rate / b.rate for a, b in zip(runs[one], runs[other], strict=True))
