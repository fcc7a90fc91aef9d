"""Conditions and updates as values: written for DynamoDB, or carried out in memory."""
