"""What became of trails against their workflows: kept, counted and summed up."""
