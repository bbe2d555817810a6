"""What is kept in tags: it comes back as it was written, and nonsense counts as absent."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.calls.base import ExpectedChange
from massdriver_redis.state.record import (
    IN_SERVICE,
    LAST_ACCEPTED_REQUEST,
    LAST_ANSWERED_REQUEST,
    LAST_REQUESTED_CHANGE,
    OperationRecord,
    RequestedChange,
    RequestVersion,
)

request_ids = st.from_regex(r"[!-~]{1,128}", fullmatch=True)
times = st.floats(0, 4e9).map(round).map(float)
keys = st.sampled_from(["engine", "node_type", "replicas", "security_groups", "maintenance_window"])
values = st.from_regex(r"[a-z0-9.:+ -]{1,20}", fullmatch=True)
changes = st.builds(
    ExpectedChange,
    st.lists(st.tuples(keys, values), min_size=1, max_size=3).map(tuple),
    values,
    st.integers(1, 9),
)


@given(request_id=request_ids, at=times)
def test_a_stamp_is_read_as_it_was_written(request_id, at):
    request_version = RequestVersion(request_id, at)

    assert OperationRecord.read({LAST_ACCEPTED_REQUEST: request_version.text()}).accepted == request_version
    assert OperationRecord.read({LAST_ANSWERED_REQUEST: request_version.text()}).answered == request_version


@given(
    change=changes, request_id=st.uuids().map(str) | st.from_regex(r"[!-~]{1,40}", fullmatch=True), at=times
)
def test_a_requested_change_is_read_as_it_was_written(change, request_id, at):
    read = OperationRecord.read(
        {LAST_REQUESTED_CHANGE: RequestedChange(change, request_id, at).text()}
    ).requested

    assert read is not None
    assert (read.change, read.at) == (change, at)
    assert read.by(request_id)
    assert not read.by(f"{request_id}0")
    assert not read.by(f"0{request_id}")


@given(request_id=request_ids, change=changes)
def test_every_value_fits_a_tag(request_id, change):
    assert len(RequestVersion(request_id, 1.0e9).text()) <= 256
    assert len(RequestedChange(change, request_id, 1.0e9).text()) <= 256


def test_a_stamp_uses_only_characters_that_every_service_takes_in_a_tag():
    text = RequestVersion("0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9).text()

    assert re.fullmatch(r"[\w .:/=+@-]*", text)


def test_the_largest_change_ever_recorded_is_read_back_whole():
    change = ExpectedChange(
        (
            ("security_groups", "sg-0123456789abcdef0"),
            ("parameter_group", "default.redis6.x.cluster.on"),
            ("retention", "35"),
            ("maintenance_window", "sun:09:00-sun:10:00"),
            ("snapshot_window", "07:00-08:00"),
            ("auto_minor", "True"),
        )
    )
    text = RequestedChange(change, "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9).text()

    assert OperationRecord.read({LAST_REQUESTED_CHANGE: text}).requested == RequestedChange(
        change, "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9
    )


@pytest.mark.parametrize("text", ["", " ", "x", "x y", "1e3", "||||", "1|a|b|c|d", "1|a|b", "nan"])
def test_nonsense_in_a_tag_counts_as_absent(text):
    record = OperationRecord.read(
        {LAST_ACCEPTED_REQUEST: text, LAST_ANSWERED_REQUEST: text, LAST_REQUESTED_CHANGE: text}
    )

    assert record == OperationRecord()


def test_no_tags_are_an_empty_ledger():
    record = OperationRecord.read({})

    assert record == OperationRecord()
    assert not record.open
    assert not record.delivered
    assert not record.was_accepted("a")
    assert not record.was_answered("a")
    assert not record.newer_than(1.0)


def test_a_request_is_open_from_its_acceptance_to_its_answer():
    accepted = {
        LAST_ACCEPTED_REQUEST: RequestVersion("b", 20).text(),
        LAST_ANSWERED_REQUEST: RequestVersion("a", 10).text(),
    }

    assert OperationRecord.read(accepted).open
    assert not OperationRecord.read({**accepted, LAST_ANSWERED_REQUEST: RequestVersion("b", 20).text()}).open


def test_a_success_is_delivered_only_once_an_answer_is_on_record():
    marked = {IN_SERVICE: RequestVersion("a", 10).text()}

    assert not OperationRecord.read(marked).delivered
    assert OperationRecord.read({**marked, LAST_ANSWERED_REQUEST: RequestVersion("a", 10).text()}).delivered


@pytest.mark.parametrize("key", [LAST_ACCEPTED_REQUEST, LAST_ANSWERED_REQUEST])
def test_a_request_signed_before_the_last_one_is_older(key):
    record = OperationRecord.read({key: RequestVersion("a", 100).text()})

    assert record.newer_than(99)
    assert not record.newer_than(100)
    assert not record.newer_than(101)


@pytest.mark.parametrize(("recorded", "mine"), [(0, 100), (100, 0), (0, 0)])
def test_without_a_signing_time_the_last_request_wins(recorded, mine):
    assert not OperationRecord.read({LAST_ACCEPTED_REQUEST: RequestVersion("a", recorded).text()}).newer_than(
        mine
    )
