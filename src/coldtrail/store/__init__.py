"""The store: schema, loader and queries; the only place with telemetry SQL."""
