"""What bills are worked out from: usage, and capacity that is paid for by the hour."""
