"""What others use for it: rolling z-score, Isolation Forest, One-Class SVM, HalfSpaceTrees.

They need `pip install citywx[evaluation]`. Each learns month by month from the same history as our
score, and takes the threshold that its own history asks for.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.anomalies.calibration import lowest_threshold
from evaluations.anomaly_ours import months
from evaluations.anomaly_runs import Case, Run

Floats = NDArray[np.float64]
Features = Callable[[Floats], Floats]
Learn = Callable[[Floats], Callable[[Floats], Floats]]
"""From the features of a history to what scores features."""

_DAY: Final = 24
_WEEK: Final = 7 * _DAY
_LEARNING: Final = 1 / 8  # of a day's deviation becomes usual
_MOST_SUPPORT: Final = 2000  # rows: fitting a One-Class SVM takes the square of their number


class Peer:
    """One of them in the evaluation."""

    def __init__(self, features: Features, learn: Learn) -> None:
        self._features, self._learn = features, learn

    def __call__(self, case: Case) -> Callable[[Floats], Run]:
        """For one city, what judges any values of it."""
        usual = self._features(case.series.measured)
        hours = np.arange(len(usual))
        learnt = []
        for month in months(len(usual)):
            history = usual[_WEEK : month.start]
            score = self._learn(history)
            threshold = lowest_threshold(hours[_WEEK : month.start], score(history), 1.0)
            learnt.append((month, score, threshold))

        def judge(values: Floats) -> Run:
            rows = self._features(values)
            scores, thresholds = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
            for month, score, threshold in learnt:
                scores[month], thresholds[month] = score(rows[month]), threshold
            return Run(scores, thresholds)

        return judge


def raw(values: Floats) -> Floats:
    """The values; the last known one where one is missing."""
    filled = values.copy()
    for row in range(1, len(filled)):
        missing = np.isnan(filled[row])
        filled[row, missing] = filled[row - 1, missing]
    return np.nan_to_num(filled)


def residuals(values: Floats) -> Floats:
    """How far each value is from what was usual at its hour in the days before, and its change."""
    filled = raw(values)
    usual, away = filled[:_DAY].copy(), np.zeros_like(filled)
    for row, value in enumerate(filled):
        away[row] = value - usual[row % _DAY]
        usual[row % _DAY] += _LEARNING * away[row]
    return np.hstack([away, np.diff(away, axis=0, prepend=away[:1])])


def rolling_z(values: Floats) -> Floats:
    """The greatest deviation from the mean of the last week, in standard deviations."""
    filled = raw(values)
    found = np.zeros((len(filled), 1))
    for row in range(_WEEK, len(filled)):
        week = filled[row - _WEEK : row]
        deviation = np.abs(filled[row] - week.mean(axis=0)) / (week.std(axis=0) + 1e-6)
        found[row] = deviation.max()
    return found


def as_it_is(_history: Floats) -> Callable[[Floats], Floats]:
    """The feature is the score."""
    return lambda rows: rows[:, 0]


def isolation_forest(history: Floats) -> Callable[[Floats], Floats]:
    """scikit-learn's, 100 trees."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - of the extra `evaluation`

    forest = IsolationForest(n_estimators=100, random_state=1).fit(history)
    return lambda rows: -_scores(forest, rows)


def one_class_svm(history: Floats) -> Callable[[Floats], Floats]:
    """scikit-learn's, with a radial kernel, on standardised features of at most 2,000 rows."""
    from sklearn.svm import OneClassSVM  # noqa: PLC0415 - as above

    middle, size = history.mean(axis=0), history.std(axis=0) + 1e-6
    few = history[:: max(len(history) // _MOST_SUPPORT, 1)]
    machine = OneClassSVM(nu=0.01, gamma="scale").fit((few - middle) / size)
    return lambda rows: -_scores(machine, (rows - middle) / size)


def _scores(model: Any, rows: Floats) -> Floats:  # noqa: ANN401 - scikit-learn ships no types
    scores: Floats = np.asarray(model.score_samples(rows), dtype="float64")
    return scores


def half_space_trees(history: Floats) -> Callable[[Floats], Floats]:
    """river's, 10 trees of height 8, which goes on learning; features scaled to 0 to 1."""
    from river.anomaly import HalfSpaceTrees  # noqa: PLC0415 - as above

    low, high = np.quantile(history, 0.001, axis=0), np.quantile(history, 0.999, axis=0)
    scale = np.maximum(high - low, 1e-6)

    def score(rows: Floats) -> Floats:
        trees = HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=1)
        names = range(history.shape[1])
        for row in _scaled(history[-_MOST_SUPPORT:]):
            trees.learn_one(dict(zip(names, row, strict=True)))
        scores = []
        for row in _scaled(rows):
            reading = dict(zip(names, row, strict=True))
            scores.append(trees.score_one(reading))
            trees.learn_one(reading)
        return np.array(scores)

    def _scaled(rows: Floats) -> list[list[float]]:
        scaled: list[list[float]] = np.clip((rows - low) / scale, 0, 1).tolist()
        return scaled

    return score


PEERS: Final = {
    "rolling z-score, 7 days": Peer(rolling_z, as_it_is),
    "Isolation Forest, raw": Peer(raw, isolation_forest),
    "Isolation Forest, residuals": Peer(residuals, isolation_forest),
    "One-Class SVM, raw": Peer(raw, one_class_svm),
    "One-Class SVM, residuals": Peer(residuals, one_class_svm),
    "HalfSpaceTrees, residuals": Peer(residuals, half_space_trees),
}
