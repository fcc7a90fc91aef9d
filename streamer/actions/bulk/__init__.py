"""What `bulk_operation` does: take items, check them, write them, count. Imported with its first request."""
