"""The same work on boto3's client, boto3's resource, PynamoDB and DynamORM."""
