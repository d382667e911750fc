"""Quality flags as the sentences that people read."""

from collections.abc import Iterable

import pandas as pd

from citywx.weather.quality import QcFlag
from dashboard.words import NAMES


def sentence(code: str) -> str:
    """What a stored flag means; a code that this version does not know speaks for itself."""
    return QcFlag[code].value if code in QcFlag.__members__ else code.replace("_", " ")


def sentences(codes: Iterable[str], imputed: Iterable[str]) -> list[str]:
    """All there is to know about the quality of a reading."""
    filled = [f"{NAMES.get(name, name)} was filled in between its neighbours" for name in imputed]
    told = [sentence(code) for code in codes if not (filled and code == QcFlag.IMPUTED.name)]
    return [*told, *filled]


def with_sentences(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings with `flags`: their flags in words, empty where there are none."""
    pairs = zip(readings["qc_flags"], readings["imputed"], strict=True)
    words = ["; ".join(sentences(codes, imputed)) for codes, imputed in pairs]
    return readings.assign(flags=pd.Series(words, index=readings.index, dtype="str"))
