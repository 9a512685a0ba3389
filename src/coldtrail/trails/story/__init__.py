"""What a trail tells: waits, the critical path, what went wrong first and where it shows, in plain sentences."""
