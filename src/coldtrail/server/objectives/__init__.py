"""Objectives at work: events are counted, budgets kept up to the minute."""
