"""Long requests after their acknowledgment: dispatch, run, retry, recover, finish."""
