"""What `process_data` does: read, operate, write. Only the executor imports it."""
