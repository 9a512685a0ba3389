"""Trails as they are kept: rows of summaries, lists, searches, and edges that times told."""
