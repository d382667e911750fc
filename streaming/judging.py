"""What the alerter judges by: the rules file, the cities, and the batch layer's anomaly models.

All three may change while it runs. Logs and messages are the alerter's own affair.
"""

import hashlib
import logging
from datetime import UTC, tzinfo

from citywx.anomaly_file import ModelFile
from citywx.home import Home
from citywx.settings import Settings
from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import Definitions, load_definitions
from citywx.weather.alerting.memory import Memory
from citywx.weather.alerting.patterns.places import Places
from citywx.weather.anomalies.scorer import AnomalyScorer
from streaming.sources.cities import known_cities

_log = logging.getLogger(__name__)


class Judging:
    """An alert book that follows its files."""

    def __init__(self, settings: Settings, home: Home, memory: Memory) -> None:
        """Go on from `memory`; RuleError where the rules file is wrong."""
        self._settings = settings
        self._home = home
        self._scorer: AnomalyScorer | None = None
        self._models = ModelFile(home.anomaly_models)
        self.book = self._open(load_definitions(settings.alert_rules), memory)

    def reload(self) -> str:
        """Take up the rules file as it is now; its SHA-256. RuleError leaves the old rules."""
        path = self._settings.alert_rules
        definitions = load_definitions(path)
        self.book = self._open(definitions, self.book.memory())
        _log.info("%d rules and patterns are in force", len(definitions.policies))
        return hashlib.sha256(path.read_bytes()).hexdigest()

    @property
    def scoring(self) -> bool:
        """Whether readings are scored."""
        return self._scorer is not None

    def look_for_models(self) -> None:
        """Score by newer models, if the batch layer has written some."""
        if self._scorer is not None and (models := self._models.poll()) is not None:
            self._scorer.use(models)
            _log.info("anomaly models of %d cities are in use", len(models.cities))

    def _open(self, definitions: Definitions, memory: Memory) -> AlertBook:
        self._scorer = self._new_scorer(definitions)
        book = AlertBook(definitions, self._known(), scorer=self._scorer, memory=memory)
        if book.begun_anew:
            _log.warning("changed, and begun anew: %s", ", ".join(book.begun_anew))
        return book

    def _new_scorer(self, definitions: Definitions) -> AnomalyScorer | None:
        """What scores readings by these definitions, with the models that there are by now."""
        if definitions.anomaly is None:
            return None
        scorer = AnomalyScorer(false_alarms_per_month=definitions.anomaly.false_alarms_per_month)
        self._models = ModelFile(self._home.anomaly_models)
        models = self._models.poll()
        if models is None:
            _log.info("there are no anomaly models yet, and no anomaly alerts until there are")
        else:
            scorer.use(models)
        return scorer

    def _known(self) -> Known:
        cities = known_cities(self._home.state / "cities.json")

        def zone(city: str) -> tzinfo:
            return cities[city].zone if city in cities else UTC

        places = {
            name: (city.latitude, city.longitude)
            for name, city in cities.items()
            if city.latitude is not None and city.longitude is not None
        }
        return Known(self._settings.source_order, zone, Places(places))
