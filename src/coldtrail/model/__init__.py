"""The words of the house as plain typed data; imports nothing of ours."""
