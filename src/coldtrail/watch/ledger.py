"""The counts that evaluations look at, in memory: the newest minutes of every series, and the hours of their windows.

Rings: minute m of a row lies in column m modulo the length. A thousand series of four days are 46 MB.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from coldtrail.watch.burn import Floats, Ints

Ids = npt.NDArray[np.uint64]

GROWTH = 64


class Ledger:
    """Good and valid events of series by minute (Unix minutes) and hour. A row once given stays."""

    def __init__(self, minutes: int, hours: int) -> None:
        self.minutes = minutes
        self.hours = hours
        self.newest = 0
        """The newest minute that there is a column for."""
        self.rows: dict[int, int] = {}
        self._minutes = np.zeros((2, 0, minutes), dtype=np.float32)
        self._hours = np.zeros((2, 0, hours))
        self._last = np.zeros(0, dtype=np.int64)

    def row(self, series: int) -> int:
        """Return the row of a series; a new one has no events."""
        if series not in self.rows:
            self.rows[series] = len(self.rows)
            if len(self.rows) > self._minutes.shape[1]:
                self._grow()
        return self.rows[series]

    def _grow(self) -> None:
        more = max(GROWTH, len(self.rows) // 2)
        self._minutes = np.concatenate((self._minutes, np.zeros((2, more, self.minutes), dtype=np.float32)), axis=1)
        self._hours = np.concatenate((self._hours, np.zeros((2, more, self.hours))), axis=1)
        self._last = np.concatenate((self._last, np.zeros(more, dtype=np.int64)))

    def advance(self, minute: int) -> None:
        """Make room up to a minute; what is older than the rings is forgotten."""
        if minute <= self.newest:
            return
        for part in _columns(max(self.newest + 1, minute + 1 - self.minutes), minute, self.minutes):
            self._minutes[:, :, part] = 0
        for part in _columns(max(self.newest // 60 + 1, minute // 60 + 1 - self.hours), minute // 60, self.hours):
            self._hours[:, :, part] = 0
        self.newest = minute

    def holds(self, minute: int) -> bool:
        """Whether there is a column for a minute."""
        return self.newest - self.minutes < minute <= self.newest

    def put(self, series: int, minute: int, good: float, valid: float, *, in_hours: bool = True) -> bool:
        """Keep the counts of a minute in place of those before; return whether they differ. The minute must be held."""
        row, column = self.row(series), minute % self.minutes
        before = self._minutes[:, row, column].copy()
        self._minutes[:, row, column] = (good, valid)
        if valid > 0:
            self._last[row] = max(self._last[row], minute)
        if in_hours:
            self._hours[:, row, minute // 60 % self.hours] += self._minutes[:, row, column].astype(float) - before
        return bool((before != self._minutes[:, row, column]).any())

    def restore(self, series: Ids, minutes: Ints, counts: Floats) -> None:
        """Take minutes of series as they were kept, in place of those before; ``counts``: (2, n), good and valid.

        Those that are not held are left out. Hours are restored by themselves.
        """
        held = (minutes > self.newest - self.minutes) & (minutes <= self.newest)
        rows, minutes = self._rows_of(series[held]), minutes[held]
        self._minutes[:, rows, minutes % self.minutes] = counts[:, held]
        np.maximum.at(self._last, rows, np.where(counts[1, held] > 0, minutes, 0))

    def restore_hours(self, series: Ids, hours: Ints, counts: Floats) -> None:
        """Take hours (Unix hours) of series in place of those before."""
        held = (hours > self.newest // 60 - self.hours) & (hours <= self.newest // 60)
        self._hours[:, self._rows_of(series[held]), hours[held] % self.hours] = counts[:, held]

    def _rows_of(self, series: Ids) -> Ints:
        known, where = np.unique(series, return_inverse=True)
        return np.array([self.row(one) for one in known.tolist()], dtype=np.int64)[where]

    def sums(self, upto: int, minutes: int) -> tuple[Floats, Floats]:
        """Return bad and valid events of every row over so many minutes, up to and with one."""
        good, valid = self._summed(self._minutes, upto, minutes)
        return valid - good, valid

    def _summed(self, counts: npt.NDArray[np.float32], upto: int, minutes: int) -> Floats:
        total = np.zeros(counts.shape[:2])
        first = max(upto + 1 - minutes, self.newest + 1 - self.minutes)
        for part in _columns(first, upto, self.minutes):
            total += counts[:, :, part].sum(axis=2, dtype=np.float64)
        return total

    def last_before_gap(self, row: int, upto: int, minutes: int) -> tuple[float, float]:
        """Return bad and valid events of a row over so many minutes up to its newest event."""
        last = min(int(self._last[row]), upto)
        good, valid = self._summed(self._minutes[:, row : row + 1], last, minutes)[:, 0]
        return float(valid - good), float(valid)

    def course(self, series: int, upto: int) -> tuple[Floats, Floats]:
        """Return good and valid events of all minutes up to one, oldest first."""
        row, first = self.row(series), self.newest + 1 - self.minutes
        columns = np.arange(first, upto + 1) % self.minutes
        good, valid = self._minutes[:, row, columns].astype(float)
        return good, valid

    def of_hours(self, series: int, first: int, last: int) -> tuple[Floats, Floats]:
        """Return good and valid events of the hours of a range, both ends included."""
        row, first = self.row(series), max(first, last + 1 - self.hours)
        good, valid = self._hours[:, row, np.arange(first, last + 1) % self.hours]
        return good, valid


def _columns(first: int, last: int, length: int) -> Iterator[slice]:
    """The columns of a range of a ring, at most its length: one piece, or two where it goes around."""
    if first > last:
        return
    start, stop = first % length, last % length + 1
    if start < stop:
        yield slice(start, stop)
    else:
        yield slice(start, length)
        yield slice(0, stop)
