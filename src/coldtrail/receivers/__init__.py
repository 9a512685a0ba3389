"""Receivers: one module per wire protocol; bytes in, OTLP out. No sockets, clocks or settings inside."""
