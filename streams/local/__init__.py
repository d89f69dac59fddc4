"""The platform on one machine: Kafka and Valkey from Python packages, and a supervisor for them and for the workers."""
