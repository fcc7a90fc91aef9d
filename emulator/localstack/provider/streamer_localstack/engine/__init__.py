"""moto's DynamoDB with a lock, an undo log and streams as AWS's. Knows moto, not LocalStack."""
