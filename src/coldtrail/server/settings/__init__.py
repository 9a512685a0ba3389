"""Settings: flags win over `COLDTRAIL_*` variables, these over `coldtrail.toml`, these over the defaults."""
