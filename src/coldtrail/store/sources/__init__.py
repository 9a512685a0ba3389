"""Queues, streams, topics, buses and schedules: deliveries, messages, and what they come to."""
