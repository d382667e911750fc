"""Jumps of one measure: steps as the batch layer finds them, and what may yet turn out a spike.

A step is judged at once and believed when it has stayed; a jump that leads back is none. A spike
takes the reading after it to be told from a step, so a jump of a spike's size is doubted here for
as long as it is the latest.
"""

from enum import Enum
from math import copysign, sqrt
from typing import NamedTuple

from citywx.weather.alerting.quality_gate.change import Change, least_change
from citywx.weather.alerting.quality_gate.memory import fields_of, number
from citywx.weather.quality.limits import LONGEST_STEP_HOURS, ChangeLimits


class Jump(Enum):
    """What a change is."""

    SPIKE = "may be one"
    STEP = "not believed yet"


class Step(NamedTuple):
    """A jump that is no spike."""

    hours: float
    start: float
    end: float
    back: bool
    """Whether it leads back to where the step before it began."""


class Jumps:
    """The last jumps of one measure in one city."""

    __slots__ = ("_last", "_steps")

    def __init__(self) -> None:
        self._last: Change | None = None
        """The change to the last value, if it is as large as a spike's."""
        self._steps: list[Step] = []
        """Those that are not believed yet, oldest first."""

    @property
    def quiet(self) -> bool:
        """Whether nothing large was just now: a small change needs no judging."""
        return self._last is None and not self._steps

    def judge(self, change: Change, limits: ChangeLimits, believed_after: float) -> Jump | None:
        """What this change is."""
        if change.elapsed > LONGEST_STEP_HOURS:
            self._last, self._steps = None, []
            return None
        last, self._last = self._last, None
        after_spike = last is not None and _is_spike(last, change, limits)
        if last is not None and after_spike and self._steps and self._steps[-1].hours == last.hours:
            self._steps.pop()
        self._steps = [one for one in self._steps if change.hours - one.hours <= believed_after]
        large = abs(change.rise) >= limits.least_spike
        self._last = change if large else None
        large = large and not after_spike
        if large and change.score > limits.step and abs(change.size) >= limits.least_step:
            self._steps.append(self._step(change))
        if self._beyond(change, believed_after):
            return Jump.STEP
        doubted = large and change.score > limits.spike and abs(change.size) >= limits.least_spike
        return Jump.SPIKE if doubted else None

    def dump(self) -> list[object]:
        """The last large change, and the steps."""
        last = None if self._last is None else list(self._last)
        return [last, [list(step) for step in self._steps]]

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        last, steps = fields_of(values, 2)
        self._last = None if last is None else Change(*map(number, fields_of(last, 7)))
        if not isinstance(steps, list):
            message = "the quality gate's steps are not a list"
            raise ValueError(message)  # noqa: TRY004  # as for everything else that is not a state
        self._steps = [_restored_step(fields_of(step, 4)) for step in steps]

    def _step(self, change: Change) -> Step:
        start, end = change.start, change.end
        origin = self._steps[-1].start if self._steps else None
        back = origin is not None and abs(end - origin) < abs(end - start) / 2
        return Step(change.hours, start, end, back)

    def _beyond(self, change: Change, believed_after: float) -> bool:
        """Whether the value still stands where the latest step led, and it is not believed."""
        step = next((one for one in reversed(self._steps) if not one.back), None)
        if step is None or change.hours - step.hours >= believed_after:
            return False
        height = step.end - step.start
        return (change.end - step.start) * copysign(1, height) > abs(height) / 2


def _is_spike(last: Change, now: Change, limits: ChangeLimits) -> bool:
    """Whether the value between these two changes stands out from both its neighbours."""
    root, root_now = sqrt(last.elapsed), sqrt(now.elapsed)
    flanks = least_change(last.rise / root, -now.rise / root_now)
    curvature = (last.unexplained / root - now.unexplained / root_now) / 2
    score = abs(least_change(flanks, curvature)) / last.usual
    return score > limits.spike and abs(least_change(last.rise, -now.rise)) >= limits.least_spike


def _restored_step(fields: list[object]) -> Step:
    hours, start, end, back = fields
    return Step(number(hours), number(start), number(end), bool(back))
