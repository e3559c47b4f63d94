"""What answers each method; one module a topic, each with its own table."""
