"""What was found in one reading."""

from citywx.weather.quality.flags import QcFlag


class Doubts:
    """Flags of one reading, in the order in which they were found."""

    __slots__ = ("failing", "suspecting")

    def __init__(self) -> None:
        self.failing: list[QcFlag] = []
        """Of values that cannot be."""
        self.suspecting: list[QcFlag] = []
        """Of values that hardly can."""

    def fail(self, flag: QcFlag, *, where: bool = True) -> None:
        """A value cannot be."""
        if where:
            self.failing.append(flag)

    def suspect(self, flag: QcFlag, *, where: bool = True) -> None:
        """A value hardly can."""
        if where:
            self.suspecting.append(flag)
