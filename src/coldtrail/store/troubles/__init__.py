"""What went wrong within a range, for those who look for findings; every answer is bounded."""
