"""Metrics read back: points to cells, cells to lines, distributions merged and never averaged."""
