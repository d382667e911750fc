"""A history as the stream would have seen it: without the values that the quality gate takes out.

What is rare must be learnt from what the score is shown. A pressure that jumps to another level is
the gate's affair, and would otherwise teach the score that jumps are common.
"""

import math

import numpy as np

from citywx.weather.alerting.quality_gate.gate import QualityGate
from citywx.weather.anomalies.history import History
from citywx.weather.anomalies.neighbours import values_of
from citywx.weather.reading import Reading


def through_gate(history: History) -> History:
    """The same with what the gate takes out not a number."""
    gate = QualityGate()
    passed = np.full_like(history.values, np.nan)
    for place, values in enumerate(history.values.tolist()):
        t, h, p, w = [None if math.isnan(value) else value for value in values]
        checked = gate.check(Reading(history.time(place), "", t, h, p, w))
        passed[place] = values_of(checked.reading)
    return History(history.cadence, history.slots, passed)
