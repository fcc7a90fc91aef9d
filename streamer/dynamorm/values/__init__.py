"""Python's values in DynamoDB's low-level form, `{"N": "12"}`, and back."""
