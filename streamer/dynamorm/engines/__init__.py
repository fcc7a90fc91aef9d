"""Who carries requests out: the seam, DynamoDB on AWS, and DynamoDB in memory."""
