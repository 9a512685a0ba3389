"""How right reconstruction is: the API's answers against the lab's truth, per level of context, and what it costs."""
