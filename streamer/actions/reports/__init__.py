"""What `generate_report` does: read, add up, render. Only the executor imports it."""
