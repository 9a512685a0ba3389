"""Story 3, onboarding: POST /signup -> SNS -> two queues -> account and profile -> table -> its stream -> welcome."""
