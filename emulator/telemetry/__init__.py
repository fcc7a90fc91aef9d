"""What happened in the sandbox, in the order in which it happened."""
