import json
import threading
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from emulator import resources
from emulator.application import Application, Queue
from emulator.errors import BackendFailed, InvalidApplication
from emulator.resources import queue_attributes


class QueueNameExists(Exception):
    pass


class FakeSqs:
    """Notes the queues that are created; `existing` have other attributes, `refused` are refused."""

    exceptions = SimpleNamespace(QueueNameExists=QueueNameExists)

    def __init__(self, existing=(), refused=()):
        self.existing, self.refused = existing, refused
        self.created, self.changed = [], {}
        self._lock = threading.Lock()

    def create_queue(self, **request):
        name = request["QueueName"]
        if name in self.refused:
            raise ClientError({"Error": {"Code": "InvalidParameterValue", "Message": "no"}}, "CreateQueue")
        if name in self.existing:
            raise QueueNameExists
        with self._lock:
            self.created.append(name)

    def get_queue_url(self, **request):
        return {"QueueUrl": f"url of {request['QueueName']}"}

    def set_queue_attributes(self, **request):
        self.changed[request["QueueUrl"]] = request["Attributes"]


def create(sqs, *queues):
    resources.create(Application("a", queues=queues), lambda service: {"sqs": sqs}[service])


def test_a_queue_has_its_attributes():
    """A queue gets its visibility timeout, and a redrive policy that names its dead-letter queue."""
    assert queue_attributes(Queue("q", 45)) == {"VisibilityTimeout": "45"}
    redriven = queue_attributes(Queue("q", dead_letter_queue="dead", max_receive_count=5))
    assert json.loads(redriven["RedrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead",
        "maxReceiveCount": 5,
    }


@pytest.mark.parametrize(
    "queue",
    [
        Queue("q", -1),
        Queue("q", 43_201),
        Queue("q", dead_letter_queue="d", max_receive_count=0),
        Queue("q", dead_letter_queue="d", max_receive_count=1_001),
    ],
    ids=["negative", "over 12 hours", "never received", "too often"],
)
def test_refuses_attributes_that_sqs_refuses(queue):
    """What SQS does not take is refused with the queue's name, before anything is created."""
    with pytest.raises(InvalidApplication, match="Queue q "):
        queue_attributes(queue)


def test_a_dead_letter_queue_comes_first():
    """A queue is created after the queue that its redrive policy names, in whatever order they stand."""
    sqs = FakeSqs()
    create(
        sqs,
        Queue("first", dead_letter_queue="second"),
        Queue("second", dead_letter_queue="third"),
        Queue("third"),
    )
    assert sqs.created == ["third", "second", "first"]


def test_refuses_a_circle_of_dead_letter_queues():
    """Queues that are each other's dead-letter queues cannot be created one after the other."""
    with pytest.raises(InvalidApplication, match="a, b are each other's"):
        create(FakeSqs(), Queue("a", dead_letter_queue="b"), Queue("b", dead_letter_queue="a"), Queue("c"))


def test_a_queue_that_is_there_gets_the_declared_attributes():
    """A queue of an earlier declaration is changed, not refused."""
    sqs = FakeSqs(existing=["q"])
    create(sqs, Queue("q", 45))
    assert sqs.changed == {"url of q": {"VisibilityTimeout": "45"}}


def test_says_what_could_not_be_created():
    """An error of the back end names the resource that it is about."""
    with pytest.raises(BackendFailed, match=r"The queue q\.fifo could not be created"):
        create(FakeSqs(refused=["q.fifo"]), Queue("q.fifo"), Queue("other"))
