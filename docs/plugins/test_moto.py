"""`mock_aws` (moto).

packages: moto boto3
"""

import boto3
import pytest
from moto import mock_aws

N = pytest.mark.parametrize("n", range(2))


def connected():
    return boto3.client("sqs", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def queues():
    with mock_aws():
        yield connected()


@N
def test_it(n, queues):
    queues.create_queue(QueueName=f"q{n}")
    return len(queues.list_queues()["QueueUrls"])


@N
@mock_aws
def test_decorated(n):
    queues = connected()
    queues.create_queue(QueueName=f"q{n}")
    return len(queues.list_queues()["QueueUrls"])


@N
@mock_aws
def test_fails(n):
    assert connected().list_queues().get("QueueUrls") == 7
