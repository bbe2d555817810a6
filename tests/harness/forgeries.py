"""Events that CloudFormation never sends, and every form of the URLs it does, for tests of the envelope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .envelope import HOST, QUERY, REQUEST_ID, STACK_ID, presigned, response_url

Event = dict[str, Any]

BUCKET = "cloudformation-custom-resource-response-useast1"
KEY = "/" + response_url(query="").rsplit("/", 1)[1]
"""The path of an event's ResponseURL."""

REGIONS = {
    "aws": "eu-central-1",
    "aws-cn": "cn-north-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-us-gov": "us-gov-west-1",
}
"""A Region of each partition."""

FORMS = [
    "https://{bucket}.s3.{suffix}{key}",
    "https://{bucket}.s3-{region}.{suffix}{key}",
    "https://{bucket}.s3.{region}.{suffix}{key}",
    "https://{bucket}.s3.{region}.{suffix}:443{key}",
    "https://{bucket}.s3.dualstack.{region}.{suffix}{key}",
    "https://{bucket}.s3-fips.{region}.{suffix}{key}",
    "https://{bucket}.s3-fips-{region}.{suffix}{key}",
    "https://{bucket}.s3-fips.dualstack.{region}.{suffix}{key}",
    "https://{bucket}.s3-external-1.{suffix}{key}",
    "https://s3.{suffix}/{bucket}{key}",
    "https://s3-{region}.{suffix}/{bucket}{key}",
    "https://s3.{region}.{suffix}/{bucket}{key}",
    "https://s3.dualstack.{region}.{suffix}/{bucket}{key}",
]
"""Every way to write the URL of an object in CloudFormation's bucket."""


def stack_in(partition: str, region: str) -> str:
    """Return the ARN of a stack of the tests' account elsewhere."""
    return STACK_ID.replace("arn:aws:", f"arn:{partition}:").replace("us-east-1", region)


def _url(text: str) -> Callable[[Event], Event]:
    """Return a forgery of the whole URL; `{key}` stands for the event's own path."""

    def forge(genuine: Event) -> Event:
        return {**genuine, "ResponseURL": f"{text.format(key=KEY)}?{QUERY}"}

    return forge


def _host(host: str) -> Callable[[Event], Event]:
    return _url(f"https://{host}{{key}}")


def _path(path: str) -> Callable[[Event], Event]:
    return _url(f"https://{HOST}{path}")


def _key(stack_id: str = STACK_ID, logical_id: str = "Redis", request_id: str = REQUEST_ID) -> str:
    return "/" + response_url(stack_id, logical_id, request_id, "").rsplit("/", 1)[1]


def _ids(**ids: str) -> Callable[[Event], Event]:
    """Return a forgery of ids with the URL that agrees with them."""

    def forge(genuine: Event) -> Event:
        made = {**genuine, **ids}
        url = response_url(made["StackId"], made["LogicalResourceId"], made["RequestId"])
        return {**made, "ResponseURL": url}

    return forge


def _with(**changes: Any) -> Callable[[Event], Event]:
    return lambda genuine: {**genuine, **changes}


def _signed(date: str) -> Callable[[Event], Event]:
    return _with(ResponseURL=response_url(query=presigned(date, "5f2d1c0b")))


FORGERIES: dict[str, Callable[[Event], Event]] = {
    # --- the scheme and the host ---
    "plain http": _url(f"http://{HOST}{{key}}"),
    "a file": _url("file:///etc/passwd"),
    "no scheme": _url(f"{HOST}{{key}}"),
    "no host": _url("https://{key}"),
    "a host of somebody": _host("example.com"),
    "the whole host as the beginning of another": _host(f"{HOST}.example.com"),
    "a domain that ends like AWS's": _host(f"{BUCKET}.s3.evilamazonaws.com"),
    "the host in the path": _url(f"https://example.com/{HOST}{{key}}"),
    "the host in the query": _url(f"https://example.com?{HOST}{{key}}"),
    "the host in the fragment": _url(f"https://example.com#{HOST}{{key}}"),
    "the host behind a backslash": _url(f"https://example.com\\{HOST}{{key}}"),
    "the host as the user of another": _url(f"https://{HOST}@example.com{{key}}"),
    "the host as user and backslash of another": _url(f"https://{HOST}\\@example.com{{key}}"),
    "a user": _host(f"user@{HOST}"),
    "a user and a password": _host(f"user:pw@{HOST}"),
    "another port": _host(f"{HOST}:8443"),
    "the port of http": _host(f"{HOST}:80"),
    "a port that is none": _host(f"{HOST}:99999"),
    "a port in letters": _host(f"{HOST}:https"),
    "an empty port": _host(f"{HOST}:"),
    "a trailing dot": _host(f"{HOST}."),
    "an empty label": _host(f"{BUCKET}..s3.amazonaws.com"),
    "an IPv4 address": _url("https://169.254.169.254/latest/meta-data"),
    "an IPv6 address": _host("[::1]"),
    "an IPv6 address with a domain": _host("[::1].amazonaws.com"),
    "a letter of another script": _host(HOST.replace("amazonaws", "am\u0430zonaws")),
    "a wide full stop": _host(HOST.replace(".com", "\uff0ecom")),
    "an internationalized label": _host(f"{BUCKET}.s3.xn--mazonaws-n5a.com"),
    "an encoded host": _host(HOST.replace(".", "%2E")),
    "a line feed": _url(f"https://{HOST}\r\nHost: example.com{{key}}"),
    # --- hosts of AWS that somebody may own ---
    "a function's URL": _host("abcdefghij.lambda-url.us-east-1.on.aws"),
    "an API": _host("abcdefghij.execute-api.us-east-1.amazonaws.com"),
    "a load balancer": _host("evil-1234567890.us-east-1.elb.amazonaws.com"),
    "a machine": _host("ec2-203-0-113-25.compute-1.amazonaws.com"),
    "the bucket in no domain": _host(f"{BUCKET}.s3"),
    "the bucket in no domain, with its Region": _host(f"{BUCKET}.s3.us-east-1"),
    "the domain alone": _host("amazonaws.com"),
    # --- the bucket ---
    "somebody's bucket": _host("evil.s3.amazonaws.com"),
    "somebody's bucket in path style": _url("https://s3.amazonaws.com/evil{key}"),
    "path style without a bucket": _url("https://s3.amazonaws.com{key}"),
    "the bucket as the beginning of another": _host(f"{BUCKET}-evil.s3.amazonaws.com"),
    "the bucket as the end of another": _host(f"evil-{BUCKET}.s3.amazonaws.com"),
    "the bucket behind a label": _host(f"evil.{BUCKET}.s3.amazonaws.com"),
    "the bucket before a label": _host(f"{BUCKET}.evil.s3.amazonaws.com"),
    "the bucket's Region with hyphens": _host(f"{BUCKET[:-7]}us-east-1.s3.amazonaws.com"),
    "the bucket twice": _url(f"https://{HOST}/{BUCKET}{{key}}"),
    "the bucket as a later segment": _url(f"https://s3.amazonaws.com/evil/{BUCKET}{{key}}"),
    "the bucket's beginning in path style": _url(f"https://s3.amazonaws.com/{BUCKET}-evil{{key}}"),
    "an access point": _host(f"{BUCKET}-123456789012.s3-accesspoint.us-east-1.amazonaws.com"),
    # --- the Region and the service ---
    "the bucket of another Region": _host(f"{BUCKET[:-7]}uswest2.s3.amazonaws.com"),
    "S3 of another Region": _host(f"{BUCKET}.s3.us-west-2.amazonaws.com"),
    "S3 of another Region in one label": _host(f"{BUCKET}.s3-us-west-2.amazonaws.com"),
    "S3 of another Region, with FIPS": _host(f"{BUCKET}.s3-fips-us-west-2.amazonaws.com"),
    "S3 of another Region, dual stack": _host(f"{BUCKET}.s3.dualstack.us-west-2.amazonaws.com"),
    "path style in another Region": _url(f"https://s3.us-west-2.amazonaws.com/{BUCKET}{{key}}"),
    "a label between S3 and Region": _host(f"{BUCKET}.s3.evil.us-east-1.amazonaws.com"),
    "the Region twice": _host(f"{BUCKET}.s3.us-east-1.us-east-1.amazonaws.com"),
    "the Region before dual stack": _host(f"{BUCKET}.s3.us-east-1.dualstack.amazonaws.com"),
    "a service that begins like S3": _host(f"{BUCKET}.s3evil.amazonaws.com"),
    "another service": _host(f"{BUCKET}.sqs.amazonaws.com"),
    "no service": _host(f"{BUCKET}.amazonaws.com"),
    "another Region, all agreeing": _ids(StackId=stack_in("aws", "us-west-2")),
    # --- the partition ---
    "the domain of another partition": _host(f"{BUCKET}.s3.amazonaws.com.cn"),
    "the domain of the sovereign cloud": _host(f"{BUCKET}.s3.amazonaws.eu"),
    "another partition, all agreeing": _ids(StackId=stack_in("aws-cn", "cn-north-1")),
    "a partition that there is not": _ids(StackId=stack_in("aws-evil", "us-east-1")),
    # --- the path ---
    "no path": _path(""),
    "the root": _path("/"),
    "another stack's path": _path(_key(stack_id=STACK_ID.replace("shop", "bank"))),
    "the path of a stack of the same name": _path(_key(stack_id=STACK_ID[:-1] + "4")),
    "the path of a resource next to it": _path(_key(logical_id="Other")),
    "the path of another request": _path(_key(request_id=REQUEST_ID[:-1] + "0")),
    "the path with its ids in another order": _path(_key(STACK_ID, REQUEST_ID, "Redis")),
    "the path without the request": _path(KEY.rsplit("%7C", 1)[0]),
    "the path and more": _path("{key}/more"),
    "the path behind more": _path("/more{key}"),
    "the path behind dots": _path("/more/..{key}"),
    "the path encoded twice": _path(KEY.replace("%", "%25")),
    "the path in capitals": _path(KEY.upper()),
    "a fragment": _url(f"https://{HOST}{{key}}#"),
    # --- the ids ---
    "another account": _ids(StackId=STACK_ID.replace("123456789012", "999999999999")),
    "an account that is none": _ids(StackId=STACK_ID.replace("123456789012", "12345678901")),
    "a stack that is a function": _ids(StackId="arn:aws:lambda:us-east-1:123456789012:function:shop"),
    "a stack set": _ids(StackId=STACK_ID.replace(":stack/", ":stackset/")),
    "a bar in the logical id": _ids(LogicalResourceId="Redis|Other"),
    "a bar in the request's id": _ids(RequestId="a|b"),
    "a bar in the stack's id": _ids(StackId=STACK_ID + "|Redis"),
    # --- the signing time ---
    "signed a quarter of an hour and a second ahead": _signed("20260921T142821Z"),
    "signed a year ahead": _signed("20270921T141320Z"),
    "signed at the end of time": _signed("99991231T235959Z"),
    # --- the physical id and the type ---
    "a physical id that is a map": _with(PhysicalResourceId={"Ref": "Redis"}),
    "a physical id that is a list": _with(PhysicalResourceId=["shop-redis-abcdefghij"]),
    "a physical id that is a number": _with(PhysicalResourceId=7),
    "a physical id that is too long": _with(PhysicalResourceId="x" * 1025),
    "another type": _with(RequestType="Read"),
}
"""Changes to a genuine event of any kind (`envelope.event`), each by what is wrong with it."""
