"""Benchmarks: a real server, its CPU seconds, one table."""
