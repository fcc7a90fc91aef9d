"""The AWS account that the sandbox plays. Whatever runs in it is told this, and nothing of the user's own."""

import os
from collections.abc import Mapping

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"

CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
}
"""What every local back end accepts; worthless anywhere else."""

ISOLATION: Mapping[str, str] = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Shuts a process's ways to a real account: no profile, no configuration file, no instance metadata."""
