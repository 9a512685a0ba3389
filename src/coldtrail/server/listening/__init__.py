"""What others connect to: OTLP over HTTP and gRPC, X-Ray, AWS's deliveries; who may, and what came of it."""
