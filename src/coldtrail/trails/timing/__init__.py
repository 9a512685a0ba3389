"""Edges by timing, where no key is left: the weakest evidence, weighed against everything else that could be."""
