"""Nodes to edges, the strongest evidence first."""
