"""Measures the contenders in turn and prints what was found as JSON: `measure ENDPOINT_URL [WORK…]`.

It runs in the benchmark's environment, which has no more than boto3 and PynamoDB. Within a round each
contender does the same, in a changing order; a ratio is that of two times in one round, so that whatever
else the machine does meets both.
"""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import boto3
from botocore.config import Config

from scripts.benchmarks.dynamorm_work.bare import Client
from scripts.benchmarks.dynamorm_work.ours import DynamORM
from scripts.benchmarks.dynamorm_work.pynamo import PynamoDB
from scripts.benchmarks.dynamorm_work.resource import Resource
from scripts.benchmarks.dynamorm_work.values import TABLE, values

HUNDRED = range(100)
THOUSAND = range(1_000)
BATCH = range(25)
ROUNDS = 40
FRESH_ROUNDS = 7

IMPORTS = {
    "boto3's client": "import boto3",
    "PynamoDB": "import pynamodb.models, pynamodb.attributes, pynamodb.connection, pynamodb.transactions",
    "DynamORM": "import streamer.dynamorm, streamer.dynamorm.aws",
}
"""What each needs beside botocore's session and client, which are imported before the clock starts. It is
the processor's clock: another process must not lengthen an import."""

IMPORT = """
import time
import botocore.session, botocore.client, botocore.config, botocore.exceptions
began = time.process_time()
{statement}
print(time.process_time() - began)
"""

MEMORY = """
from scripts.benchmarks.dynamorm_work.measure_one import contender, resident_mb
items = contender({name!r}, {endpoint!r}).query("thousand")
assert len(items) == 1000
print(resident_mb())
"""

Work = Callable[[Any], object]

OPERATIONS: dict[str, tuple[Work, int, int]] = {
    "put": (lambda each: each.put("few", 1), 5, 60),
    "get": (lambda each: each.get("hundred", 7), 5, 60),
    "query of 100": (lambda each: each.query("hundred"), 2, 30),
    "query of 1,000": (lambda each: each.query("thousand"), 1, 20),
    "batch write of 25": (lambda each: each.batch_write("few", BATCH), 1, 40),
    "batch get of 100": (lambda each: each.batch_get("hundred", HUNDRED), 1, 30),
    "update with condition": (lambda each: each.update("few", 5), 5, 60),
    "transaction of 3": (lambda each: each.transact("few", 10), 5, 60),
}
"""What is done, how often in a round, and in how many rounds."""

Times = dict[str, list[float]]


def in_turn(contenders: Sequence[Any], work: Work, calls: int, rounds: int) -> Times:
    """Return the milliseconds of one call, a figure for each round."""
    times: Times = {each.name: [] for each in contenders}
    for each in contenders:
        work(each)
    for number in range(rounds):
        start = number % len(contenders)
        for each in (*contenders[start:], *contenders[:start]):
            gc.collect()
            began = time.perf_counter()
            for _ in range(calls):
                work(each)
            times[each.name].append((time.perf_counter() - began) * 1000 / calls)
    return times


def without_io(contenders: Sequence[Any]) -> dict[str, Times]:
    """Measure encode and decode of 1,000 items."""
    plain = [values("thousand", number) for number in THOUSAND]
    items = {each.name: [each.make(one) for one in plain] for each in contenders}
    raw = contenders[0].encode(items[contenders[0].name])
    return {
        "encode 1,000": in_turn(contenders, lambda each: each.encode(items[each.name]), 1, ROUNDS),
        "decode 1,000": in_turn(contenders, lambda each: each.decode(raw), 1, ROUNDS),
    }


def fresh(programs: dict[str, str], factor: float) -> Times:
    """Run each program in processes of its own, in turn; each prints a figure."""
    figures: Times = {name: [] for name in programs}
    for _ in range(FRESH_ROUNDS):
        for name, program in programs.items():
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
            figures[name].append(float(done.stdout) * factor)
    return figures


def check(contenders: Sequence[Any]) -> None:
    """See that each reads what each writes."""
    for number, each in enumerate(contenders):
        each.batch_write("checked", [number])
        for other in contenders:
            read = other.plain(other.get("checked", number))
            expected = values("checked", number)
            assert {**read, "permissions": set(read["permissions"])} == expected, (each.name, other.name)


def clients(endpoint_url: str) -> tuple[Any, Any]:
    """Return boto3's client and resource."""
    options: Any = {
        "endpoint_url": endpoint_url,
        "region_name": "us-east-1",
        "config": Config(proxies={}),
    }
    return boto3.client("dynamodb", **options), boto3.resource("dynamodb", **options)


def measure(contenders: Sequence[Any], endpoint_url: str, only: set[str]) -> dict[str, Times]:
    """Return the times of each kind of work; of all, if `only` names none."""
    found: dict[str, Times] = {
        name: in_turn(contenders, work, calls, rounds)
        for name, (work, calls, rounds) in OPERATIONS.items()
        if not only or name in only
    }
    if not only or only & {"encode 1,000", "decode 1,000"}:
        found |= without_io([contenders[0], *contenders[2:]])
    if not only or "import" in only:
        programs = {name: IMPORT.format(statement=statement) for name, statement in IMPORTS.items()}
        found["import"] = fresh(programs, 1000)
    if not only or "memory with 1,000 items" in only:
        memory = {each.name: MEMORY.format(name=each.name, endpoint=endpoint_url) for each in contenders}
        found["memory with 1,000 items"] = fresh(memory, 1)
    return found


def main() -> None:
    """Measure and print."""
    endpoint_url = sys.argv[1]
    client, resource = clients(endpoint_url)
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        contenders: list[Any] = [Client(client), Resource(resource), PynamoDB(endpoint_url)]
        contenders.append(DynamORM(endpoint_url))
        check(contenders)
        for partition, numbers in (("hundred", HUNDRED), ("thousand", THOUSAND), ("few", range(100))):
            for first in range(0, len(numbers), 25):
                contenders[0].batch_write(partition, numbers[first : first + 25])
        found = measure(contenders, endpoint_url, set(sys.argv[2:]))
    finally:
        client.delete_table(TableName=TABLE)
    ours = DynamORM.name
    print(
        json.dumps(
            {
                operation: {
                    "values": {name: median(each) for name, each in times.items()},
                    "ratios": {
                        name: median(mine / other for mine, other in zip(times[ours], each, strict=True))
                        for name, each in times.items()
                        if name != ours
                    },
                }
                for operation, times in found.items()
            }
        )
    )


if __name__ == "__main__":
    main()
