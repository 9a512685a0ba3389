"""Listeners, API v1 and the process that holds them; thin, no rules of the trade live here."""
