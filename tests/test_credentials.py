"""What leaves a process names no secret."""

from __future__ import annotations

import pytest

from pipeline.credentials import holds_secret, host_of, without_credentials


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("cannot get https://ada:pa55@word@shop.example/new.zip", "cannot get https://***@shop.example/new.zip"),
        (
            "s3 said https://b.s3.example/new.zip?X-Amz-Credential=AKIA1&X-Amz-Date=1&X-Amz-Signature=5ec2e7 twice",
            "s3 said https://b.s3.example/new.zip?X-Amz-Credential=***&X-Amz-Date=1&X-Amz-Signature=*** twice",
        ),
        ("https://c.blob.example/x?sv=2024&sp=r&sig=5ec2e7%3D", "https://c.blob.example/x?sv=***&sp=***&sig=***"),
        (
            "https://api.example/x?version=latest&access_token=5ec",
            "https://api.example/x?version=latest&access_token=***",
        ),
        ("ftp://shop.example/x?pwd=5ec&n=1&pass=2e7", "ftp://shop.example/x?pwd=***&n=1&pass=***"),
        (
            "https://shop.example/x?keyword=fruit&authors=2&accessKey=5ec",
            "https://shop.example/x?keyword=fruit&authors=2&accessKey=***",
        ),
        ("a mail to ada@shop.example", "a mail to ada@shop.example"),
    ],
)
def test_users_passwords_tokens_and_signatures_are_left_out(told: str, kept: str) -> None:
    assert without_credentials(told) == kept


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://ada:pa55@shop.example/new", True),
        ("https://t0ken@shop.example/new", True),
        ("https://shop.example/new?pass=5ec", True),
        ("ssh://ada@shop.example/new", False),
        ("s3://bucket/new@home?version=1", False),
        ("remote://storage/new", False),
        ("https://host.example/@mario/photos.zip", False),
        ("https://host.example/photos@2x.zip", False),
        ("ssh://host.example:2222/new@home", False),
        ("https://[::1]:8443/new@home", False),
        ("https://ada:1234@shop.example/new", True),
        ("s3://AKIA1:5ec/2e7@bucket/new", True),
        ("s3://AKIA1:5ec#2e7@bucket/new", True),
        ("https://shop.example/new?keyword=fruit&author=ada", False),
        ("https://shop.example/new?api_key=5ec", True),
        ("https://shop.example/new?n=1&authorization=5ec", True),
    ],
)
def test_an_address_holds_a_secret_where_it_says_more_than_where_and_as_whom(address: str, expected: bool) -> None:
    assert holds_secret(address) == expected


def test_of_a_webhook_only_the_host_is_told() -> None:
    assert host_of("https://hooks.example:8443/services/T0/5ec2e7?x=1") == "https://hooks.example"
    assert host_of("nonsense") == "of no host"
