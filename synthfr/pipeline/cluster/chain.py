"""The jobs of one submission: submitted together, watched and cancelled together."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from synthfr.disk import read_json, write_json
from synthfr.errors import UserError
from synthfr.pipeline.cluster import graph, job_records, slurm
from synthfr.pipeline.cluster.allocations import Request

LOGS = Path("logs")
_OWN = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d job \w+: ")
_START = re.compile(_OWN.pattern + "=== ")


@dataclass(frozen=True)
class Link:
    """One job: a stage, its shards in an array, or a whole target in one allocation."""

    job: str
    name: str
    needs: tuple[str, ...]  # names of links
    array: int | None = None  # tasks
    final: str | None = None  # the state seen at its end
    elapsed: str | None = None

    @property
    def log(self) -> Path:
        """Of an array a pattern."""
        return LOGS / f"{self.name}-{self.job}{'' if self.array is None else '_*'}.log"

    def tasks(self) -> list[Link]:
        """The array's tasks, each as a job of its own; of what is no array the link itself."""
        if self.array is None:
            return [self]
        jobs = (f"{self.job}_{number}" for number in range(self.array))
        return [Link(job, self.name, self.needs) for job in jobs]


@dataclass(frozen=True)
class Chain:
    target: str
    submitted: int  # seconds since 1970
    links: tuple[Link, ...] = field(default=())

    def save(self) -> None:
        write_json(job_records.CHAIN, asdict(self))

    @classmethod
    def load(cls) -> Chain:
        if not job_records.CHAIN.is_file():
            raise UserError("Nothing was submitted from here yet: synth-fr submit TARGET does.")
        data = read_json(job_records.CHAIN)
        links = tuple(
            Link(**(one | {"needs": tuple(one["needs"])}))  # JSON has no tuples
            for one in data["links"]
        )
        return cls(data["target"], data["submitted"], links)


@dataclass(frozen=True)
class State:
    """How a link fares. `why`: of one that failed, its first error; of one that waits, SLURM's."""

    link: Link
    state: str
    elapsed: str
    limit: str
    why: str

    @property
    def ended(self) -> bool:
        return self.state in slurm.ENDED

    @property
    def failed(self) -> bool:
        return self.ended and self.state != "COMPLETED"


@dataclass(frozen=True)
class Wanted:
    """A job to submit."""

    name: str
    arguments: tuple[str, ...]  # of slurm/stage.sbatch
    options: tuple[str, ...]  # of sbatch
    needs: tuple[str, ...]  # names of jobs before it
    array: int | None = None  # tasks

    def command(self, after: Sequence[str]) -> list[str]:
        """sbatch's command line; `after`: an id for each of `needs`."""
        return slurm.command(self.name, self.arguments, self.options, after)


def per_stage(
    plan: graph.Plan, requests: Mapping[str, Request], options: Sequence[str]
) -> list[Wanted]:
    """A job for each stage; `options` go to all, and override the requests.

    Where an array cuts a stage's work into shards, the stage itself comes after it and gathers.
    """
    jobs = []
    for stage in plan.stages:
        request, name = requests[stage], slurm.job_name(stage)
        needs = tuple(map(slurm.job_name, plan.needs[stage]))
        asked = (*request.options(), *options)
        if request.array is not None:
            shards, num_shards = name + slurm.SHARDS, request.array
            asked_each = (*asked, *request.array_options())
            arguments = ("--num-shards", str(num_shards), stage)
            jobs.append(Wanted(shards, arguments, asked_each, needs, num_shards))
            needs = (shards,)
        jobs.append(Wanted(name, ("--single-item", stage), asked, needs))
    return jobs


def in_one(target: str | None, request: Request, options: Sequence[str]) -> list[Wanted]:
    """One job for the target and all that it needs."""
    arguments = (target,) if target else ()
    return [Wanted(slurm.WHOLE, arguments, (*request.options(), *options), ())]


def submit(target: str, jobs: Sequence[Wanted]) -> Chain:
    """Submit in order; if SLURM refuses one, those before it are cancelled and nothing is left."""
    links: dict[str, Link] = {}
    try:
        LOGS.mkdir(exist_ok=True)  # SLURM makes no folders
        for one in jobs:
            after = [links[need].job for need in one.needs]
            job = slurm.sbatch(one.command(after))
            links[one.name] = Link(job, one.name, one.needs, one.array)
        chain = Chain(target, round(time.time()), tuple(links.values()))
        chain.save()
    except OSError as error:
        slurm.cancel([link.job for link in links.values()])
        raise UserError(
            f"{job_records.CHAIN} cannot be written ({error.strerror}), so nothing "
            "was submitted: free some space, or mend its rights."
        ) from error
    except BaseException:
        slurm.cancel([link.job for link in links.values()])
        raise
    return chain


def states(chain: Chain) -> list[State]:
    """Of all links, as the queue, the accounting, the jobs' own records, or an earlier look told.

    What ended is kept in the chain's record, since SLURM forgets it.
    """
    queued = {job.job: job for job in slurm.queue()}
    tasks = {link.name: link.tasks() for link in chain.links}
    lost = [
        task.job
        for link in chain.links
        for task in tasks[link.name]
        if task.job not in queued and link.final is None
    ]
    accounted = slurm.accounted(lost)
    found: dict[str, State] = {}
    for link in chain.links:
        each = [
            _state(task, queued.get(task.job), accounted.get(task.job), found)
            for task in (tasks[link.name] if link.final is None else [link])
        ]
        found[link.name] = each[0] if len(each) == 1 else _together(link, each)
    kept = tuple(
        replace(link, final=found[link.name].state, elapsed=found[link.name].elapsed)
        if found[link.name].ended
        else link
        for link in chain.links
    )
    if kept != chain.links:
        Chain(chain.target, chain.submitted, kept).save()
    return list(found.values())


def _state(
    link: Link,
    job: slurm.Queued | None,
    accounted: tuple[str, str] | None,
    above: Mapping[str, State],
) -> State:
    limit = job.limit if job else ""
    told = job_records.read_job(link.job)
    if link.final is not None:
        state, elapsed = link.final, link.elapsed or ""
    elif job is not None:
        state, elapsed = job.state, job.elapsed
    elif accounted is not None:
        state, elapsed = accounted
    elif "ended" in told:
        state = "COMPLETED" if told["exit_code"] == 0 else "FAILED"
        elapsed = _clock(told["ended"] - told["started"])
    elif any(above[need].failed for need in link.needs):
        state, elapsed = "CANCELLED", "0:00"
    else:  # SLURM forgot it, and it did not come to its end
        state, elapsed = "NODE_FAIL", ""
    why = ""
    if state in slurm.ENDED and state != "COMPLETED":
        broken = [need for need in link.needs if need in above and above[need].failed]
        if not told and broken:
            why = f"not started, because {broken[0]} failed"
        elif state == "TIMEOUT":
            why = "its time limit was reached: give it more, or submit again to go on"
        elif state == "OUT_OF_MEMORY":
            why = "it needed more memory than it asked for"
        else:
            why = first_error(link.log, link.name)
    elif state == "PENDING" and job is not None and job.reason not in {"None", "Dependency"}:
        why = job.reason
    return State(link, state, elapsed, limit, why)


def _together(link: Link, tasks: Sequence[State]) -> State:
    """The state of an array: that of a task that runs, else of one that waits, else of the first
    that failed.
    """
    done = sum(task.state == "COMPLETED" for task in tasks)
    failed = [task for task in tasks if task.failed]
    # a task that was ended because another failed says less than that one
    failed.sort(key=lambda task: task.state == "CANCELLED")
    open_tasks = sorted(
        (task for task in tasks if not task.ended), key=lambda task: task.state != "RUNNING"
    )
    shown = (open_tasks or failed or tasks)[0]
    why = f"{done} of {len(tasks)} shards are written" if done < len(tasks) else ""
    if failed:
        number = failed[0].link.job.partition("_")[2]
        why += f"; task {number} is {failed[0].state}: {failed[0].why}"
    elif open_tasks and shown.why:
        why += f"; {shown.why}"
    elapsed = max((task.elapsed for task in tasks), key=lambda text: (len(text), text))
    return State(link, shown.state, elapsed, shown.limit, why)


def first_error(log: Path, stage: str) -> str:
    """The sentence with which a job's last run failed: the stage's own, else the last before
    DVC's, else DVC's.
    """
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"it left no log at {log}"
    starts = [at for at, line in enumerate(lines) if _START.match(line)]
    lines = [line.rstrip() for line in lines[starts[-1] + 1 if starts else 0 :] if line.strip()]
    dvc = next((at for at, line in enumerate(lines) if line.startswith("ERROR:")), len(lines))
    before = [line for line in lines[:dvc] if not _OWN.match(line)]
    # in a job that runs many stages the last one that DVC named failed
    running = [line for line in before if line.startswith("Running stage")]
    name = running[-1].split("'")[1] if running else stage
    kind = name.rpartition(":")[2].partition("@")[0].removesuffix(slurm.SHARDS)
    own = [line for line in before if line.startswith(f"{kind}: ")]
    if own:
        return own[-1]
    quoted = [line for line in lines if line.startswith("slurmstepd: error:")]
    if quoted:
        return quoted[0]
    told = [line for line in before if not line.startswith((">", "Running stage", " "))]
    if told:
        return told[-1]
    return lines[dvc] if dvc < len(lines) else "it ended without a word"


def wait(chain: Chain, pause_s: float) -> None:
    """Until no job of the chain waits or runs."""
    jobs = {link.job for link in chain.links}
    while any(job.whole in jobs and job.state not in slurm.ENDED for job in slurm.queue()):
        time.sleep(pause_s)


def cancel(chain: Chain) -> list[str]:
    """Ends what has not ended; names of those."""
    jobs = {link.job: link.name for link in chain.links}
    open_jobs = list(
        dict.fromkeys(
            job.whole for job in slurm.queue() if job.whole in jobs and job.state not in slurm.ENDED
        )
    )
    # dependants first, or they would be seen to start
    slurm.cancel(list(reversed(open_jobs)))
    return [jobs[job] for job in open_jobs]


def _clock(seconds: int) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
