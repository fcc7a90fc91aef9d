"""What `Database` does with one item and with many: bookkeeping, pages, batches, retries."""
