"""What we know as series of Prometheus."""
