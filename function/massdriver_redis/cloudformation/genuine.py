"""Whether an event can be CloudFormation's own and may be answered: the one judge of its envelope.

Whoever may invoke a function can forge an event, and a response may hold the password. Provider and fallback
judge by this module, and the fallback's package holds no other of the provider's: it imports the standard
library alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

DNS_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-us-gov": "amazonaws.com",
}
"""The domain of each partition's S3; a test compares it with botocore's data."""

CLOCK_SKEW = 900
"""Seconds that a signing time may be ahead of this function's clock."""

URL_LIFETIME = 7200
"""Seconds for which CloudFormation signs its ResponseURLs, as public events show."""

_SIZES = {"StackId": 1024, "RequestId": 128, "LogicalResourceId": 255, "ResponseURL": 4096}
_VISIBLE = re.compile(r"[!-~]+")
# The bar separates the ids in the path of a ResponseURL, so none of them may hold one.
_STACK_ID = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):cloudformation:(?P<region>[a-z]+(?:-[a-z]+)+-\d{1,2}):(?P<account>\d{12}):"
    r"stack/[^/|\s]+/[^/|\s]+",
    re.ASCII,
)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
_BUCKET = "cloudformation-custom-resource-response-"
_ENDS_WITH_A_REGION = re.compile(r"-[a-z]+-[a-z]+-\d+")
_LONGEST_SHOWN = 300


@dataclass(frozen=True)
class Recipient:
    """Who an event must be meant for: the function, and whom else its parameters admit.

    Where partition, Region and account are empty, the function isn't known, and an event is only judged by
    what it says itself. `response_host` is one more host ("host" or "host:port") that may be answered;
    `is_local` says that the function runs on a developer's machine.
    """

    partition: str = ""
    region: str = ""
    account: str = ""
    further_accounts: frozenset[str] = frozenset()
    response_host: str = ""
    is_local: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Return what a function's environment says; the function itself isn't known yet."""
        accounts = environ.get("STACK_ACCOUNT_IDS", "").split(",")
        return cls(
            further_accounts=frozenset(filter(None, accounts)),
            response_host=environ.get("RESPONSE_HOST", ""),
            is_local=bool(environ.get("AWS_SAM_LOCAL")),
        )

    def at(self, function_arn: str) -> Self:
        """Return the same for the function of this ARN; raises ValueError for what is no ARN.

        On a developer's machine the ARN is made up, so the function stays unknown.
        """
        if self.is_local:
            return self
        _, partition, _, region, account, _ = function_arn.split(":", 5)
        if not (partition and region and account):
            raise ValueError(f"{function_arn} names no account")
        return replace(self, partition=partition, region=region, account=account)


UNKNOWN = Recipient()
"""A function of which nothing is known."""


def refusal(event: Mapping[str, object], recipient: Recipient, now: float) -> str:
    """Return why `event` must not be answered, "" where it may be; a refusal repeats no value of the event.

    `now` is in seconds since the epoch.
    """
    return (
        _refused_kind(event)
        or _refused_texts(event)
        or _refused_stack(str(event["StackId"]), recipient)
        or _refused_url(event, recipient.response_host)
        or _refused_date(str(event["ResponseURL"]), now)
    )


def refused_text(event: Mapping[str, object], key: str, longest: int) -> str:
    """Return what is wrong with the text under `key`, "" where it is visible ASCII of at most that length."""
    value = event.get(key)
    if not isinstance(value, str) or not _VISIBLE.fullmatch(value):
        return f"Not a CloudFormation event: {key} is not a plain, non-empty string."
    if len(value) > longest:
        return f"Not a CloudFormation event: {key} is longer than {longest} characters."
    return ""


def signing_times(url: str) -> tuple[float | None, float | None]:
    """Return when the URL was signed (X-Amz-Date) and when it ends (Expires), each None where absent."""
    query = parse_qs(urlsplit(url).query)
    return _amz_date(query.get("X-Amz-Date", [""])[0]), _epoch(query.get("Expires", [""])[0])


def shown(event: object) -> str:
    """Return an event's ResponseURL as a log may show it: without query, fragment and userinfo, not long."""
    url = event.get("ResponseURL") if isinstance(event, Mapping) else None
    if not isinstance(url, str):
        return ""
    visible = re.sub(r"[^!-~]", "?", re.split(r"[?#]|%3F", url, maxsplit=1, flags=re.IGNORECASE)[0])
    return re.sub(r"//[^/]*@", "//", visible)[:_LONGEST_SHOWN]


def _refused_kind(event: Mapping[str, object]) -> str:
    """Judge type and physical id; a Delete after a cancelled create may come without an id."""
    kind, physical_id = event.get("RequestType"), event.get("PhysicalResourceId")
    if kind not in ("Create", "Update", "Delete"):
        return "Not a CloudFormation event: RequestType is not Create, Update or Delete."
    if kind == "Update" and physical_id in (None, ""):
        return "Not a CloudFormation event: an Update without PhysicalResourceId."
    if not isinstance(physical_id, str | None) or len(physical_id or "") > 1024:
        return "Not a CloudFormation event: PhysicalResourceId is no string of 1,024 characters."
    return ""


def _refused_texts(event: Mapping[str, object]) -> str:
    for key, longest in _SIZES.items():
        if refused := refused_text(event, key, longest):
            return refused
    if "|" in f"{event['LogicalResourceId']}{event['RequestId']}":
        return "Not a CloudFormation event: an id holds the bar that separates ids."
    return ""


def _refused_stack(stack_id: str, recipient: Recipient) -> str:
    stack = _STACK_ID.fullmatch(stack_id)
    if not stack:
        return "Not a CloudFormation event: StackId is no stack's ARN."
    if stack["partition"] not in DNS_SUFFIXES:
        return "StackId is refused: its partition is not known."
    if not recipient.account:
        return ""
    if (stack["partition"], stack["region"]) != (recipient.partition, recipient.region):
        return "StackId is refused: the stack is of another partition or Region than this function."
    if stack["account"] not in {recipient.account, *recipient.further_accounts}:
        return "StackId is refused: the stack's account is neither this function's nor in StackAccountIds."
    return ""


def _refused_url(event: Mapping[str, object], response_host: str) -> str:
    url = str(event["ResponseURL"])
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "ResponseURL is refused: it is no URL."
    host = parts.netloc.lower()
    if parts.scheme != "https" or not _HOST.fullmatch(host):
        return "ResponseURL is refused: it is not https and a plain host."
    if response_host and response_host.lower() in (parts.hostname, host):
        return ""
    if port not in (None, 443) or "#" in url:
        return "ResponseURL is refused: it has another port than 443, or a fragment."
    key = _key(parts, str(event["StackId"]))
    if key is None:
        return "ResponseURL is refused: it is not CloudFormation's bucket in the stack's Region."
    if unquote(key) != "/{StackId}|{LogicalResourceId}|{RequestId}".format_map(event):
        return "ResponseURL is refused: its path names another request."
    return ""


def _key(url: SplitResult, stack_id: str) -> str | None:
    """Return the path in CloudFormation's bucket for the stack's Region, None where it is not there.

    The bucket is the first label of the host or, in path style, the first segment of the path.
    """
    _, partition, _, region, *_ = stack_id.split(":")
    host, suffix = url.hostname or "", f".{DNS_SUFFIXES[partition]}"
    if not host.endswith(suffix):
        return None
    bucket, labels = _BUCKET + region.replace("-", ""), host.removesuffix(suffix)
    first, _, others = labels.partition(".")
    if first == bucket:
        return url.path if _is_s3(others, region) else None
    in_path = url.path.startswith(f"/{bucket}/") and _is_s3(labels, region)
    return url.path.removeprefix(f"/{bucket}") if in_path else None


def _is_s3(labels: str, region: str) -> bool:
    """Return whether these labels of a host are S3's, in no other Region: s3, s3-fips.dualstack.us-east-1."""
    service, _, rest = labels.partition(".")
    elsewhere = _ENDS_WITH_A_REGION.search(service) and not service.endswith(f"-{region}")
    is_s3 = service == "s3" or service.startswith("s3-")
    return is_s3 and not elsewhere and rest in ("", "dualstack", region, f"dualstack.{region}")


def _refused_date(url: str, now: float) -> str:
    amz_date, _ = signing_times(url)
    if amz_date is not None and amz_date > now + CLOCK_SKEW:
        return (
            f"ResponseURL is refused: it was signed in the future, {CLOCK_SKEW // 60} minutes ahead or more."
        )
    return ""


def _amz_date(text: str) -> float | None:
    if not re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _epoch(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,12}", text, re.ASCII) else None
