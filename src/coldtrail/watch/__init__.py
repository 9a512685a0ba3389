"""What coldtrail notices by itself: findings, and the rules that find them. Pure, but for the store that finders read."""
