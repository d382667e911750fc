"""The file with the anomaly models: written whole by the batch layer, watched by the alerter.

What the models are, and what stands in the file, belongs in `citywx.weather.anomalies`.
"""

import logging
import os
from pathlib import Path

from citywx.weather.anomalies.encoding import ModelError, decode_models, encode_models
from citywx.weather.anomalies.model import Models

_log = logging.getLogger(__name__)
_Identity = tuple[int, int, int]


def write_models(path: Path, models: Models) -> int:
    """Put the file in the place of the one before, whole or not at all; returns its bytes."""
    content = encode_models(models)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return len(content)


class ModelFile:
    """Tells when there are new models."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error = ""
        """Why the newest file was of no use; empty where it was, or where there is none."""
        self._seen: _Identity | None = None

    def poll(self) -> Models | None:
        """The models of a file that was not looked at yet; None where nothing has changed.

        A file that holds no models is named in `error` and in the log, once; the models that are
        in use then stay the best there are.
        """
        identity = self._identity()
        if identity is None or identity == self._seen:
            return None
        self._seen = identity
        try:
            models = decode_models(self.path.read_bytes())
        except (OSError, ModelError) as error:
            self.error = str(error)
            _log.warning("%s: %s; the models in use stay", self.path, error)
            return None
        self.error = ""
        return models

    def _identity(self) -> _Identity | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
