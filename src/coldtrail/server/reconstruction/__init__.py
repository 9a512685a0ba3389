"""The background pass: trails whose signals carry keys, or nothing but times, are put together as they change."""
