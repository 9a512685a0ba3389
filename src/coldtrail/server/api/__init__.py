"""API v1: thin handlers that turn queries and trails into the promised JSON."""
