"""Signals to nodes to edges to trails: functions from data to data."""
