"""How often a pair is right of which the assignments say so much: shares of assignments err on the sure side.

A model of delays and order is never quite that of the system, so what it leaves open it leaves open too little. The
points were read off one recording of the lab with a message or two in flight (5,254 edges), and hold on another with ten
in flight (5,174 edges): docs/reconstruction.md has both tables.
"""

from __future__ import annotations

import numpy as np

_SHARES = (0.0, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_RIGHT = (0.0, 0.15, 0.35, 0.5, 0.62, 0.72, 0.9, 0.98, 1.0)


def confidence_of(share: float) -> float:
    """Return how likely a pair is right that has this share of all assignments."""
    return float(np.interp(share, _SHARES, _RIGHT))
