"""The whole mesh on one machine: real NATS, PostgreSQL and Envoy from their wheels, and the four services, as child processes."""
