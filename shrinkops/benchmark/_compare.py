"""A target against a peer: the figure, its controls, and what speaks against it.

Invariants
----------
- Every comparison times, in the same blocks, the target, the peer, the copy of the same
  bytes, and the target once more under another name. That second name must come out
  equal to the first (A/A); where it does not, the figure is marked and gates nothing.
- A time that the memory could not have served (a fraction of the copy's) is marked: the
  work was handed over and not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from shrinkops._target import Target
from shrinkops.operations._declaration import Operation

from ._calls import Call
from ._check import check_peer
from ._peers import Peer, floor_of
from ._sampling import Plan, Samples, sample
from ._statistics import FEWEST, Estimate, estimate
from ._subjects import Subject, make_subject
from ._threads import one_thread
from ._work import Case, Work, cores, make_work

__all__ = ["Comparison", "Verdict", "compare", "compare_calls", "compare_peer", "is_below_floor"]

A_A_TOLERANCE = 0.02
"""How far from 1 the whole interval of an A/A control may lie."""

A_A_SPREAD = 0.15
"""A control that is less certain than this bounds nothing."""

_FLOOR = 3
"""The column of the floor among the calls of a comparison."""

_EXTENSIONS = 2
"""How often blocks are added to a comparison whose control left 1."""

_ONE_EACH = Plan(blocks=1, fewest=1, sample_seconds=0.0)

_PROBES = 7
"""Single calls, and copies, that the floor check times."""

_CHECKED_FROM = 50e-6
"""Seconds of a copy from which a time can be told from the cost of a call."""


class Verdict:
    """What speaks against a figure; ``OK`` if nothing does."""

    OK = "ok"
    NOISY = "A/A left 1"
    FLOOR = "below the bandwidth floor"


@dataclass(frozen=True)
class Comparison:
    """One figure and what it rests on.

    Attributes
    ----------
    target, peer : str
    operation : str
    case : Case
    ratio : Estimate
        Time of the target over time of the peer; below 1 the target is faster.
    control : Estimate
        The target over itself: the A/A control.
    over_copy : Estimate or None
        Time of the target over the quickest copy of the same bytes: into a warm output.
    seconds : Estimate
        One call of the target, on this machine as it was.
    verdict : str
        See `Verdict`.
    departs : str
        Where the peer departs from the specification.
    samples : tuple of float
        The ratio of every block.
    """

    target: str
    peer: str
    operation: str
    case: Case
    ratio: Estimate
    control: Estimate
    over_copy: Estimate | None
    seconds: Estimate
    verdict: str
    departs: str
    samples: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def compare(
    target: Target,
    operation: Operation,
    case: Case,
    peers: Iterable[Peer],
    plan: Plan | None = None,
) -> Iterable[Comparison]:
    """Compare a target with peers, one after the other, on the same arrays.

    Parameters
    ----------
    target : Target
    operation : Operation
    case : Case
    peers : iterable of Peer
        Those that have no part in the case must have been left out, see `Peer.obstacle`.
    plan : Plan, optional

    Yields
    ------
    Comparison

    Raises
    ------
    Skip
        The case does not exist here.
    WrongResultError
        The target, or a peer, is wrong; nothing was timed.
    """
    work = make_work(target, operation, case)
    peers = tuple(peers)
    with one_thread([work.framework, *(peer.library for peer in peers)]):
        subject = make_subject(work)
        for peer in peers:
            yield compare_peer(work, subject, peer, plan or Plan())


def compare_peer(work: Work, subject: Subject, peer: Peer, plan: Plan) -> Comparison:
    """Compare a subject with one peer, on the arrays that it was made of.

    Raises
    ------
    Skip
        The peer cannot be compared on them.
    WrongResultError
        It is wrong.
    """
    other = peer.call(work)
    check_peer(work, peer, other, _reader(work, peer))
    floor = floor_of(work)
    below = floor is not None and is_below_floor(
        subject.call, subject.read, floor, work.case.device
    )
    # What is not waited for would pile up, and the figure is worth nothing anyway.
    samples = compare_calls(subject.call, other, floor, _ONE_EACH if below else plan)
    return judge(work, peer, samples, below=below)


def _reader(work: Work, peer: Peer) -> Callable[[Any], np.ndarray[Any, Any]]:
    """Return what reads a peer's result: the target's adapter, or NumPy on the host."""
    if peer.takes == work.framework or (peer.copies and work.case.device != "cpu"):
        return work.adapter.to_numpy
    return np.asarray


def compare_calls(subject: Call, peer: Call, floor: Call | None, plan: Plan) -> Samples:
    """Time the subject, the peer, the subject again, and the floor if there is one.

    While the subject differs from itself more blocks are added, a few times at most. It
    is the control that decides, never the ratio, so the ratio is not biased by it.
    """
    calls = [subject, peer, subject, *([] if floor is None else [floor])]  # see _FLOOR
    samples = sample(calls, plan)
    for _ in range(_EXTENSIONS):
        control = estimate(samples.ratio(2, 0))
        if is_sound(control) or control.samples < FEWEST:
            break
        samples += sample(calls, plan)
    return samples


def judge(work: Work, peer: Peer, samples: Samples, *, below: bool) -> Comparison:
    """Make a figure of samples, with what speaks against it."""
    control = estimate(samples.ratio(2, 0))
    has_floor = samples.seconds.shape[1] > _FLOOR
    over_copy = estimate(samples.ratio(0, _FLOOR)) if has_floor else None
    verdict = Verdict.OK if is_sound(control) else Verdict.NOISY
    if below:
        verdict = Verdict.FLOOR
    ratios = samples.ratio(0, 1)
    return Comparison(
        target=work.target.text,
        peer=peer.name,
        operation=work.operation.name,
        case=work.case,
        ratio=estimate(ratios),
        control=control,
        over_copy=over_copy,
        seconds=samples.time(0),
        verdict=verdict,
        departs=peer.departs,
        samples=tuple(float(r) for r in ratios),
    )


def is_sound(control: Estimate) -> bool:
    """Tell whether an A/A control stayed at 1."""
    left = control.excludes(1 - A_A_TOLERANCE, 1 + A_A_TOLERANCE)
    return not left and control.spread <= A_A_SPREAD


def is_below_floor(call: Call, read: Callable[[Any], Any], copy: Call, device: str = "cpu") -> bool:
    """Tell whether single calls return sooner than the memory could have served them.

    Each call starts when the one before has been read back, so that work which was
    left unfinished cannot hide behind the wait for a full queue. The shortest of a few
    calls is held against the shortest of as many copies, which alternate with them.

    Parameters
    ----------
    call : Call
    read : callable
        Reads a result, and so waits for it whatever ``call.synchronize`` does.
    copy : Call
        The copy of the same bytes on the same device.
    device : {"cpu", "gpu"}
    """
    once = replace(call, each=False)
    calls, copies = [], []
    for _ in range(_PROBES):
        copies.append(copy.seconds(1))
        calls.append(once.seconds(1))
        read(call())
    # A processor's cores share its memory; a device's copy already uses all of it.
    parallel = cores() if device == "cpu" else 1
    return min(copies) >= _CHECKED_FROM and min(calls) < min(copies) / (2 * parallel)
