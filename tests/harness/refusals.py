"""How tests write down what AWS refuses: a table of sentences, calls, codes and their public sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .moto_aws import MotoAws

Request = Callable[[MotoAws], dict[str, Any]]


@dataclass(frozen=True)
class Refused:
    """One refusal: `act` after `given`, the code on the wire, words of its text, where that is known from."""

    sentence: str
    act: Callable[[MotoAws], object]
    code: str
    source: str
    given: Callable[[MotoAws], object] = lambda _cloud: None
    words: str = ""
    status: int = 400


def replicated(**changes: Any) -> Callable[[MotoAws], object]:
    """Return what makes a replication group with a replica, its request changed so."""
    return lambda cloud: cloud.make(cloud.replicated_request(**changes))


def clustered(**changes: Any) -> Callable[[MotoAws], object]:
    """Return what makes a replication group with cluster mode, its request changed so."""
    return lambda cloud: cloud.make(cloud.cluster_request(**changes))


def table(rows: Iterable[Refused]) -> pytest.MarkDecorator:
    """Return the parametrisation with each row's sentence as the test's name."""
    return pytest.mark.parametrize("refused", [pytest.param(row, id=row.sentence) for row in rows])


def check(cloud: MotoAws, refused: Refused) -> None:
    """Assert that the call is refused with the code, the HTTP status and the words, and changes nothing."""
    refused.given(cloud)
    before = [str(group) for group in cloud.simulator.groups()]
    with pytest.raises(ClientError) as raised:
        refused.act(cloud)
    response = raised.value.response
    assert response["Error"]["Code"] == refused.code, response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == refused.status
    assert refused.words in response["Error"]["Message"]
    assert [str(group) for group in cloud.simulator.groups()] == before
