"""From the log to the tables: segments, the statements that have the engine read them, and who speaks in them."""
