"""Functions: invocations, minutes that were summed up, cold starts, versions."""
