"""What can be asked of a DynamoDB, as frozen values that check and encode themselves."""
