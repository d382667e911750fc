"""Quality flags as the sentences that people read."""

from collections.abc import Iterable

import pandas as pd

from citywx.weather.quality.flags import DOUBTS, QcFlag
from dashboard.words import NAMES

_DOUBTS = {flag.name: measures for flag, measures in DOUBTS.items()}


def sentence(code: str) -> str:
    """What a stored flag means; a code that this version does not know speaks for itself."""
    return QcFlag[code].value if code in QcFlag.__members__ else code.replace("_", " ")


def sentences(codes: Iterable[str], imputed: Iterable[str]) -> list[str]:
    """All there is to know about the quality of a reading."""
    filled = [f"{NAMES.get(name, name)} was filled in between its neighbours" for name in imputed]
    told = [sentence(code) for code in codes if not (filled and code == QcFlag.IMPUTED.name)]
    return [*told, *filled]


def with_sentences(readings: pd.DataFrame, variable: str) -> pd.DataFrame:
    """The readings with `flags`, all of them in words, and `doubts`, those about `variable`."""
    pairs = list(zip(readings["qc_flags"], readings["imputed"], strict=True))
    every = ["; ".join(sentences(codes, imputed)) for codes, imputed in pairs]
    about = [
        "; ".join(
            sentences(
                [code for code in codes if variable in _DOUBTS.get(code, ())],
                [name for name in imputed if name == variable],
            )
        )
        for codes, imputed in pairs
    ]
    return readings.assign(
        flags=pd.Series(every, index=readings.index, dtype="str"),
        doubts=pd.Series(about, index=readings.index, dtype="str"),
    )
