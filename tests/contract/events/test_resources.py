import asyncio
import json
import uuid

import pytest

from emulator import resources
from emulator.application import Application, BucketObject, Queue, Secret
from emulator.errors import BackendFailed


@pytest.fixture
def name():
    return uuid.uuid4().hex[:8]


async def create(world, **declared):
    await asyncio.to_thread(resources.create, Application("contract", **declared), world.clients)


async def attributes(world, queue):
    url = (await world.call("sqs", "get_queue_url", QueueName=queue))["QueueUrl"]
    answer = await world.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    return answer["Attributes"]


async def test_queues_are_created_with_their_redrive_policy(world, name):
    """A queue has its visibility timeout and its dead-letter queue, also when it is declared before that."""
    queue = Queue(f"q-{name}", 45, dead_letter_queue=f"dead-{name}", max_receive_count=4)
    await create(world, queues=[queue, Queue(f"dead-{name}")])
    found = await attributes(world, queue.name)
    assert found["VisibilityTimeout"] == "45"
    policy = json.loads(found["RedrivePolicy"])
    assert policy["deadLetterTargetArn"] == (await attributes(world, f"dead-{name}"))["QueueArn"]
    assert int(policy["maxReceiveCount"]) == 4


async def test_everything_may_be_created_twice(world, name):
    """A second run leaves what is there, and gives queues and secrets what is declared now."""
    declared = {
        "topics": [f"t-{name}"],
        "buckets": [f"b-{name}"],
        "objects": [BucketObject(f"b-{name}", "key", lambda: b"content")],
    }
    await create(world, **declared, queues=[Queue(f"q-{name}")], secrets=[Secret(f"s-{name}", "old")])
    await create(world, **declared, queues=[Queue(f"q-{name}", 60)], secrets=[Secret(f"s-{name}", "new")])
    assert (await attributes(world, f"q-{name}"))["VisibilityTimeout"] == "60"
    secret = await world.call("secretsmanager", "get_secret_value", SecretId=f"s-{name}")
    assert secret["SecretString"] == "new"
    topics = (await world.call("sns", "list_topics"))["Topics"]
    assert [one for one in topics if one["TopicArn"].endswith(f":t-{name}")] == [
        {"TopicArn": f"arn:aws:sns:us-east-1:000000000000:t-{name}"}
    ]
    item = await world.call("s3", "get_object", Bucket=f"b-{name}", Key="key")
    assert item["Body"].read() == b"content"


async def test_a_refused_resource_is_named(world, name):
    """The error of a resource that the back end refuses says which one it is."""
    with pytest.raises(BackendFailed, match="The topic not a topic! could not be created"):
        await create(world, topics=["not a topic!"])
    with pytest.raises(BackendFailed, match=f"The queue q {name} could not be created"):
        await create(world, queues=[Queue(f"q {name}")])
