"""Alerts at work: looked at every few seconds, decided, and told to whoever is to know."""
