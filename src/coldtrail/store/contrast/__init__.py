"""What the affected have that the others of a scope have not."""
