"""Masks of flags of many rows at once, and the verdict on each row."""

import numpy as np
from numpy.typing import NDArray

from citywx.weather.quality.flags import Severity, Verdict, doubting, of_severity

Masks = NDArray[np.int64]
"""A bit mask for each row."""


def doubtful(flags: Masks, measure: str) -> NDArray[np.bool_]:
    """Which rows have a flag that puts this measure in doubt."""
    doubted: NDArray[np.bool_] = (flags & doubting(measure)) != 0
    return doubted


def verdicts(
    flags: Masks, *, reported: NDArray[np.bool_], in_context: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Each row's QARTOD code: from its flags, whether a measure was reported, and had context."""
    return np.select(
        [
            ~reported,
            (flags & of_severity(Severity.FAIL)) != 0,
            (flags & of_severity(Severity.SUSPECT)) != 0,
            ~in_context,
        ],
        [Verdict.MISSING, Verdict.FAIL, Verdict.SUSPECT, Verdict.NOT_EVALUATED],
        Verdict.PASS,
    ).astype(np.int64)
