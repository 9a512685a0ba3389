"""The write-ahead log: what was acknowledged is on disk before the sender hears so."""

from coldtrail.wal.contract import Busy, Sink
from coldtrail.wal.log import WriteAheadLog
from coldtrail.wal.segment import Segment

__all__ = ["Busy", "Segment", "Sink", "WriteAheadLog"]
