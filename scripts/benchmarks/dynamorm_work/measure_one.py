"""One contender and nothing of the others, for a process whose memory is looked at."""

import resource
import sys
from pathlib import Path
from typing import Any


def contender(name: str, endpoint_url: str) -> Any:
    """Return a contender by its name, with what it alone imports."""
    if name == "PynamoDB":
        from scripts.benchmarks.dynamorm_work.pynamo import PynamoDB

        return PynamoDB(endpoint_url)
    if name == "DynamORM":
        from scripts.benchmarks.dynamorm_work.ours import DynamORM

        return DynamORM(endpoint_url)
    import boto3

    if name == "boto3's resource":
        from scripts.benchmarks.dynamorm_work.resource import Resource

        return Resource(boto3.resource("dynamodb", endpoint_url=endpoint_url, region_name="us-east-1"))
    client = boto3.client("dynamodb", endpoint_url=endpoint_url, region_name="us-east-1")
    from scripts.benchmarks.dynamorm_work.bare import Client

    return Client(client)


def resident_mb() -> float:
    """Return the most memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux's ru_maxrss would be the parent's, where that was larger
        (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_bytes / (1024 * 1024 if sys.platform == "darwin" else 1024)
