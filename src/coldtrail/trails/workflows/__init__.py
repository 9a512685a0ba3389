"""Trails against workflows: which nodes a step means, and what became of each."""
