"""Signals to nodes: everything that speaks of the same thing becomes one node."""
