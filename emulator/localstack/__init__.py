"""LocalStack in an environment and a process of its own, with our DynamoDB in it."""
