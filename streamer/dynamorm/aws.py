"""`DynamoDB`, the engine on AWS: apart from the rest, so that botocore is imported only where it is used."""

from streamer.dynamorm.engines.aws import DynamoDB

__all__ = ["DynamoDB"]
