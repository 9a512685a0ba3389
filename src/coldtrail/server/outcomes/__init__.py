"""Workflows at work: trails are judged as they are assembled, and again when a deadline passes."""
