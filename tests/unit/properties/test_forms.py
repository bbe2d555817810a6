"""Other forms of the same properties: what the platform and users write means the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from massdriver_redis.cloudformation.request import parse as parse_event
from massdriver_redis.cloudformation.request import secrets_of
from massdriver_redis.errors import InvalidRequestError
from massdriver_redis.properties.parse import read, read_leniently, read_previous
from tests.harness.envelope import NOW, event
from tests.harness.samples import authentication, properties, stringified, vpc

TODAY = datetime(2026, 7, 1, tzinfo=UTC).date()
_KEYS = {"id": "b6ec2a5a-0f5c-4b8e-9b51-0d2f2a7a3c11", "name": "network", "type": "massdriver/aws-vpc"}


def flat(connection: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a connection as the platform sends it since 2026: without the level `data`."""
    return {**connection["data"], "specs": connection["specs"], **more}


DOCUMENTED = properties(vpc=vpc(), aws_authentication=authentication())
FORMS = {
    "without the level data": {
        "vpc": flat(vpc()),
        "aws_authentication": flat(authentication()),
    },
    "with the platform's own keys": {
        "vpc": {**vpc(), **_KEYS},
        "aws_authentication": {**authentication(), **_KEYS},
    },
    "both": {
        "vpc": flat(vpc(), **_KEYS),
        "aws_authentication": flat(authentication(), **_KEYS),
    },
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_connection_in_any_form_of_the_platform_means_the_same(form: dict[str, Any]) -> None:
    raw = stringified({**DOCUMENTED, **form})

    assert read(raw, today=TODAY) == read(stringified(DOCUMENTED), today=TODAY)
    assert read_leniently(raw) == read_leniently(stringified(DOCUMENTED))
    assert read_previous(raw) == read_previous(stringified(DOCUMENTED))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_external_id_is_secret_in_any_form(form: dict[str, Any]) -> None:
    request = parse_event(event(ResourceProperties=stringified({**DOCUMENTED, **form})), NOW)

    assert "s3cret-external-id" in secrets_of(request)


@pytest.mark.parametrize("broken", [{}, {"id": "x"}, {"dta": vpc()["data"]}, {"data": {}}])
def test_a_connection_without_its_content_is_broken_in_any_form(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=r"vpc\.data"):
        read(stringified({**DOCUMENTED, "vpc": broken}), today=TODAY)


def test_our_own_properties_stay_strict() -> None:
    with pytest.raises(InvalidRequestError, match="unknown property"):
        read(stringified({**DOCUMENTED, "id": "x"}), today=TODAY)


@pytest.mark.parametrize("window", ["SUN:09:00-SUN:10:00", "Sun:09:00-sun:10:00"])
def test_day_names_are_taken_in_any_case(window: str) -> None:
    assert (
        read(stringified({**DOCUMENTED, "maintenance_window": window}), today=TODAY).maintenance_window
        == "sun:09:00-sun:10:00"
    )
