"""Which events are CloudFormation's own: where they are answered, who they are for, when each was signed."""

from __future__ import annotations

import ast
import inspect
import sys

import botocore.loaders
import botocore.session
import pytest

from massdriver_redis.cloudformation import genuine
from massdriver_redis.cloudformation.genuine import Recipient
from massdriver_redis.cloudformation.request import parse
from massdriver_redis.errors import EnvelopeError
from tests.harness.context import FUNCTION
from tests.harness.envelope import HOST, NOW, QUERY, SIGNATURE, STACK_ID, bucket_in, event, response_url
from tests.harness.forgeries import BUCKET, FORGERIES, FORMS, KEY, REGIONS, stack_in

HERE = Recipient().at(FUNCTION)
OTHER_ACCOUNT = STACK_ID.replace("123456789012", "210987654321")
KINDS = ["Create", "Update", "Delete"]
NEEDS_THE_FUNCTION = {
    "another account",
    "another partition, all agreeing",
    "another Region, all agreeing",
}
"""Forgeries that agree with themselves: only the function's own ARN shows them."""


def refused(sent, recipient=HERE, now=NOW):
    with pytest.raises(EnvelopeError) as caught:
        parse(sent, now, recipient=recipient)
    return str(caught.value)


# --- what is forged --------------------------------------------------------------------------------


def test_the_specification_covers_every_part_of_an_envelope():
    assert len(FORGERIES) >= 80


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_event_is_refused_in_words_that_repeat_nothing_of_it(kind, forgery):
    sent = FORGERIES[forgery](event(kind))

    reason = refused(sent)

    assert reason.startswith(("ResponseURL is refused", "StackId is refused", "Not a CloudFormation event"))
    for value in ("evil", "example", SIGNATURE, sent["StackId"], sent["ResponseURL"]):
        assert value not in reason


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_poll_is_refused_like_the_event_itself(forgery):
    poll = {"CrHelperPoll": True, "ScheduleName": "shop-redis-abcdefghij-1789999980-aaaabbbbcccc"}

    assert refused({**FORGERIES[forgery](event()), **poll}) == refused(FORGERIES[forgery](event()))


@pytest.mark.parametrize("forgery", sorted(FORGERIES.keys() - NEEDS_THE_FUNCTION))
def test_an_event_that_does_not_agree_with_itself_is_refused_by_any_function(forgery):
    refused(FORGERIES[forgery](event()), recipient=genuine.UNKNOWN)


@pytest.mark.parametrize("forgery", sorted(NEEDS_THE_FUNCTION))
def test_an_event_that_agrees_with_itself_is_refused_by_the_function_s_own_arn_alone(forgery):
    assert parse(FORGERIES[forgery](event()), NOW)


# --- what is genuine -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("partition", REGIONS)
def test_every_form_of_cloudformation_s_urls_is_answered_in_every_partition(partition, form):
    region = REGIONS[partition]
    stack_id = stack_in(partition, region)
    key = "/" + response_url(stack_id).rsplit("/", 1)[1]
    url = form.format(
        bucket=bucket_in(region), region=region, suffix=genuine.DNS_SUFFIXES[partition], key=key
    )
    function = FUNCTION.replace("arn:aws:", f"arn:{partition}:").replace("us-east-1", region)

    request = parse(event(StackId=stack_id, ResponseURL=url), NOW, recipient=Recipient().at(function))

    assert (request.response_url, request.stack_id) == (url, stack_id)


@pytest.mark.parametrize(
    "url",
    [
        f"https://{HOST.upper()}{KEY}?{QUERY}",
        f"HTTPS://{HOST}{KEY}?{QUERY}",
        f"https://{HOST}/{STACK_ID}|Redis|{event()['RequestId']}?{QUERY}",
        f"https://{HOST}{KEY.replace('%2F', '/')}?{QUERY}",
        f"https://{HOST}{KEY.replace('%3A', '%3a')}?{QUERY}",
        f"https://{HOST}{KEY}",
    ],
    ids=["capitals", "capital scheme", "not encoded", "slashes", "small hex digits", "no query"],
)
def test_what_means_the_same_is_answered_verbatim(url):
    assert parse(event(ResponseURL=url), NOW, recipient=HERE).response_url == url


def test_the_partitions_are_those_that_botocore_knows():
    partitions = botocore.loaders.create_loader().load_data("partitions")["partitions"]

    assert {each["id"]: each["outputs"]["dnsSuffix"] for each in partitions} == genuine.DNS_SUFFIXES


@pytest.mark.parametrize("partition", REGIONS)
def test_the_domain_of_a_partition_is_that_of_its_s3(partition):
    session = botocore.session.get_session()
    session.set_credentials("testing", "testing")
    client = session.create_client("s3", region_name=REGIONS[partition])

    assert client.meta.partition == partition
    assert client.meta.endpoint_url.endswith(f".{genuine.DNS_SUFFIXES[partition]}")


def test_every_region_that_botocore_knows_can_hold_a_stack():
    session = botocore.session.get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("cloudformation", partition):
            assert parse(event(StackId=stack_in(partition, region)), NOW)


# --- whom it is for --------------------------------------------------------------------------------


def test_a_stack_of_a_further_account_is_served_where_the_parameter_names_it():
    environ = {"STACK_ACCOUNT_IDS": "111122223333,210987654321", "RESPONSE_HOST": ""}
    recipient = Recipient.from_environment(environ).at(FUNCTION)

    assert parse(event(StackId=OTHER_ACCOUNT), NOW, recipient=recipient).stack_id == OTHER_ACCOUNT
    assert parse(event(), NOW, recipient=recipient)


@pytest.mark.parametrize("accounts", ["", "111122223333", "2109876543210", ",", "*"])
def test_a_stack_of_any_other_account_is_refused(accounts):
    recipient = Recipient.from_environment({"STACK_ACCOUNT_IDS": accounts}).at(FUNCTION)

    assert "StackAccountIds" in refused(event(StackId=OTHER_ACCOUNT), recipient)


def test_a_further_account_is_served_in_the_function_s_own_region_only():
    recipient = Recipient.from_environment({"STACK_ACCOUNT_IDS": "210987654321"}).at(FUNCTION)
    elsewhere = OTHER_ACCOUNT.replace("us-east-1", "us-west-2")

    assert "Region" in refused(event(StackId=elsewhere), recipient)


@pytest.mark.parametrize("qualifier", ["", ":live", ":$LATEST", ":7"])
def test_the_function_is_known_by_its_arn_whatever_version_is_invoked(qualifier):
    recipient = Recipient().at(FUNCTION + qualifier)

    assert (recipient.partition, recipient.region, recipient.account) == ("aws", "us-east-1", "123456789012")


@pytest.mark.parametrize("arn", ["", "provider", "arn:aws:lambda:us-east-1::function:provider"])
def test_a_function_without_an_account_judges_nothing(arn):
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own words for some of them
        Recipient().at(arn)


def test_on_a_developer_s_machine_the_made_up_account_is_not_compared():
    recipient = Recipient.from_environment({"AWS_SAM_LOCAL": "true"})
    made_up = "arn:aws:lambda:us-east-1:012345678912:function:ProviderFunction"

    assert parse(event(), NOW, recipient=recipient.at(made_up))
    refused(FORGERIES["somebody's bucket"](event()), recipient.at(made_up))


# --- one more host ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "localhost:4566", "LOCALHOST"])
def test_one_more_host_may_be_named_with_or_without_its_port_and_with_any_path(host):
    url = "https://localhost:4566/key"

    assert parse(event(ResponseURL=url), NOW, recipient=Recipient(response_host=host)).response_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566/key",
        "https://localhost:4567/key",
        "https://localhost/key",
        "https://user@localhost:4566/key",
        "https://localhost:4566.example.com/key",
        f"https://{BUCKET}.s3.amazonaws.com/key",
    ],
)
def test_the_extra_host_opens_no_other(url):
    refused(event(ResponseURL=url), Recipient(response_host="localhost:4566"))


def test_the_extra_host_does_not_open_another_account_or_the_future():
    here = Recipient(response_host="localhost").at(FUNCTION)

    refused(event(StackId=OTHER_ACCOUNT, ResponseURL="https://localhost/key"), here)
    refused(event(ResponseURL="https://localhost/key?X-Amz-Date=20260921T142821Z"), here)


# --- when it was signed ----------------------------------------------------------------------------


@pytest.mark.parametrize("date", ["20260921T142820Z", "20260921T141320Z", "20160921T141320Z"])
def test_a_clock_may_be_a_quarter_of_an_hour_off(date):
    sent = event(ResponseURL=response_url(query=f"X-Amz-Date={date}"))

    assert parse(sent, NOW, recipient=HERE).signed_at


@pytest.mark.parametrize(
    ("ahead", "signed_at"),
    [(7100, NOW - 100), (7200, NOW), (8100, NOW + 900), (8101, None), (10**11, None)],
)
def test_an_end_stands_for_the_signing_time_unless_that_is_in_the_future(ahead, signed_at):
    sent = event(ResponseURL=response_url(query=f"Signature=x&Expires={NOW + ahead:.0f}"))

    assert parse(sent, NOW, recipient=HERE).signed_at == signed_at


def test_an_end_too_far_ahead_stays_no_time_in_every_poll():
    poll = {"CrHelperPoll": True, "ScheduleName": "name", "StartedAt": NOW}
    sent = event(ResponseURL=response_url(query=f"Signature=x&Expires={NOW + 8200:.0f}"), **poll)

    assert parse(sent, NOW + 3000, recipient=HERE).signed_at is None


# --- what a log shows of it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://{HOST}/key?{QUERY}", f"https://{HOST}/key"),
        ("https://example.com/key#X-Amz-Signature=1", "https://example.com/key"),
        ("https://example.com/key%3fX-Amz-Signature=1", "https://example.com/key"),
        ("https://user:password@example.com/key", "https://example.com/key"),
        ("https://a@b@example.com\\x/key", "https://example.com\\x/key"),
        ("https://ex\r\nam\x1b[31mple.com/\u202ekey", "https://ex??am?[31mple.com/?key"),
        ("https://example.com/" + "x" * 4000, "https://example.com/" + "x" * 280),
        (7, ""),
        (None, ""),
    ],
)
def test_a_log_shows_of_a_url_neither_query_nor_user_nor_control_characters(url, shown):
    assert genuine.shown({"ResponseURL": url}) == shown


@pytest.mark.parametrize("event", [None, [], "event", {}])
def test_a_log_shows_nothing_of_an_event_without_a_url(event):
    assert genuine.shown(event) == ""


# --- the module ------------------------------------------------------------------------------------


def test_the_shared_module_imports_the_standard_library_alone():
    for node in ast.walk(ast.parse(inspect.getsource(genuine))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or "relative"] if isinstance(node, ast.ImportFrom) else []
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
