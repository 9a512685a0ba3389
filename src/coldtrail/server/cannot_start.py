"""What ends a start."""


class CannotStart(RuntimeError):
    """Something outside is in the way; the message says what it is and what to do."""
