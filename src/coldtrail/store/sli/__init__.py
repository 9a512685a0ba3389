"""What objectives count: good and valid events by minute, and what the bad ones were."""
