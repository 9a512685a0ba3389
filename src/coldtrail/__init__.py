"""coldtrail: pick the trail up where your functions went cold."""

__version__ = "0.1.0"
