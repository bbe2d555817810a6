"""What is kept in tags: it comes back as it was written, and nonsense counts as absent."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.calls.base import Change
from massdriver_redis.state.record import ACCEPTED, ANSWERED, HANDED_OVER, REQUESTED, Ledger, Requested, Stamp

request_ids = st.from_regex(r"[!-~]{1,128}", fullmatch=True)
times = st.floats(0, 4e9).map(round).map(float)
keys = st.sampled_from(["engine", "node_type", "replicas", "security_groups", "maintenance_window"])
values = st.from_regex(r"[a-z0-9.:+ -]{1,20}", fullmatch=True)
changes = st.builds(
    Change,
    st.lists(st.tuples(keys, values), min_size=1, max_size=3).map(tuple),
    values,
    st.integers(1, 9),
)


@given(request_id=request_ids, at=times)
def test_a_stamp_is_read_as_it_was_written(request_id, at):
    stamp = Stamp(request_id, at)

    assert Ledger.read({ACCEPTED: stamp.text()}).accepted == stamp
    assert Ledger.read({ANSWERED: stamp.text()}).answered == stamp


@given(
    change=changes, request_id=st.uuids().map(str) | st.from_regex(r"[!-~]{1,40}", fullmatch=True), at=times
)
def test_a_requested_change_is_read_as_it_was_written(change, request_id, at):
    read = Ledger.read({REQUESTED: Requested(change, request_id, at).text()}).requested

    assert read is not None
    assert (read.change, read.at) == (change, at)
    assert read.by(request_id)
    assert not read.by(f"{request_id}0")
    assert not read.by(f"0{request_id}")


@given(request_id=request_ids, change=changes)
def test_every_value_fits_a_tag(request_id, change):
    assert len(Stamp(request_id, 1.0e9).text()) <= 256
    assert len(Requested(change, request_id, 1.0e9).text()) <= 256


def test_a_stamp_uses_only_characters_that_every_service_takes_in_a_tag():
    text = Stamp("0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9).text()

    assert re.fullmatch(r"[\w .:/=+@-]*", text)


def test_the_largest_change_ever_recorded_is_read_back_whole():
    change = Change(
        (
            ("security_groups", "sg-0123456789abcdef0"),
            ("parameter_group", "default.redis6.x.cluster.on"),
            ("retention", "35"),
            ("maintenance_window", "sun:09:00-sun:10:00"),
            ("snapshot_window", "07:00-08:00"),
            ("auto_minor", "True"),
        )
    )
    text = Requested(change, "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9).text()

    assert Ledger.read({REQUESTED: text}).requested == Requested(
        change, "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9
    )


@pytest.mark.parametrize("text", ["", " ", "x", "x y", "1e3", "||||", "1|a|b|c|d", "1|a|b", "nan"])
def test_nonsense_in_a_tag_counts_as_absent(text):
    ledger = Ledger.read({ACCEPTED: text, ANSWERED: text, REQUESTED: text})

    assert ledger == Ledger()


def test_no_tags_are_an_empty_ledger():
    ledger = Ledger.read({})

    assert ledger == Ledger()
    assert not ledger.open
    assert not ledger.delivered
    assert not ledger.was_accepted("a")
    assert not ledger.was_answered("a")
    assert not ledger.newer_than(1.0)


def test_a_request_is_open_from_its_acceptance_to_its_answer():
    accepted = {ACCEPTED: Stamp("b", 20).text(), ANSWERED: Stamp("a", 10).text()}

    assert Ledger.read(accepted).open
    assert not Ledger.read({**accepted, ANSWERED: Stamp("b", 20).text()}).open


def test_a_success_is_delivered_only_once_an_answer_is_on_record():
    marked = {HANDED_OVER: Stamp("a", 10).text()}

    assert not Ledger.read(marked).delivered
    assert Ledger.read({**marked, ANSWERED: Stamp("a", 10).text()}).delivered


@pytest.mark.parametrize("key", [ACCEPTED, ANSWERED])
def test_a_request_signed_before_the_last_one_is_older(key):
    ledger = Ledger.read({key: Stamp("a", 100).text()})

    assert ledger.newer_than(99)
    assert not ledger.newer_than(100)
    assert not ledger.newer_than(101)


@pytest.mark.parametrize(("recorded", "mine"), [(0, 100), (100, 0), (0, 0)])
def test_without_a_signing_time_the_last_request_wins(recorded, mine):
    assert not Ledger.read({ACCEPTED: Stamp("a", recorded).text()}).newer_than(mine)
