"""Clocks that are wrong, and put right."""
