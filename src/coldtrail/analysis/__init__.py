"""Functions from tables to answers: what it costs, what changed, what to do. Pure: no store, socket, clock or setting inside."""
