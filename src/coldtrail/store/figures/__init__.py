"""What a service says is to be watched, of one resource or of all: from CloudWatch, or derived from spans, lines and messages."""
