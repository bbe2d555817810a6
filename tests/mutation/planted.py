"""The planted bugs: what is wrong, where, by which change of the code, and the tests that must find it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from massdriver_redis import catalog, log
from massdriver_redis.aws import error_codes
from massdriver_redis.calls import ec2, elasticache
from massdriver_redis.cloudformation import attributes, delivery, genuine, request, response
from massdriver_redis.properties import arns, coercion, model, parse, rules, schemas, violations, windows
from massdriver_redis.state import naming, observed, ownership, record

from .changes import (
    do_nothing,
    drop_filter,
    drop_guard,
    drop_operand,
    drop_statement,
    replaced_by,
    set_condition,
    set_item,
    set_keyword,
    set_return,
    swap_constant,
    swap_operator,
    unwrap_call,
)
from .out_of_band import OUT_OF_BAND_BUGS
from .planting import Bug
from .protocol import PROTOCOL_BUGS

if TYPE_CHECKING:
    import ssl

    from jsonschema import ValidationError

_PARSE = "unit/properties/test_parse.py"
_CATALOG = "unit/test_catalog.py"


def _random_hash(text: str, length: int = 10) -> str:
    import base64
    import os

    return base64.b32encode(os.urandom(10)).decode().lower()[:length]


def _unverified() -> ssl.SSLContext:
    import ssl

    return ssl._create_unverified_context()


def _whole_url(event: object) -> str:
    return str(event.get("ResponseURL", "")) if isinstance(event, dict) else ""


def _value_shown(path: violations.Path, error: ValidationError) -> list[violations.Violation]:
    from massdriver_redis.properties.violations import Violation

    return [Violation(path, error.message)]


_BUGS_OF_VALUES: tuple[Bug, ...] = (
    # --- ids ---
    Bug(
        "the physical id is drawn at random",
        naming.hash_of,
        replaced_by(_random_hash),
        ("unit/state/test_naming.py", "unit/reconciler/test_apply.py"),
    ),
    Bug(
        "a property added later changes every earlier physical id",
        naming.physical_id,
        drop_filter(),
        ("unit/state/test_naming.py",),
    ),
    # --- the response and its delivery ---
    Bug(
        "NoEcho is not set",
        response._encode,
        set_item("NoEcho", False),
        ("unit/cloudformation/test_response.py",),
    ),
    Bug(
        "a response longer than CloudFormation takes is sent",
        response.build,
        set_condition(False, mentions=response._too_long),
        ("unit/cloudformation/test_response.py",),
    ),
    Bug(
        "the response that sam local shows holds the password",
        response.masked,
        set_condition(False, mentions="***"),
        ("unit/cloudformation/test_response.py",),
    ),
    Bug(
        "a refused response counts as delivered",
        delivery.send,
        swap_constant(300, 600),
        ("unit/cloudformation/test_delivery.py",),
    ),
    Bug(
        "an expired ResponseURL is tried again",
        delivery.send,
        drop_guard(mentions=delivery.RefusedError),
        ("unit/cloudformation/test_delivery.py",),
    ),
    Bug(
        "any certificate is trusted",
        delivery._tls,
        replaced_by(_unverified),
        ("unit/cloudformation/test_delivery.py",),
    ),
    # --- which events are CloudFormation's own ---
    Bug(
        "any host may be answered",
        genuine._refused_url,
        drop_guard(
            mentions="ResponseURL is refused: it is not CloudFormation's bucket in the stack's Region."
        ),
        ("unit/cloudformation/test_genuine.py", "contract/test_forged.py"),
    ),
    Bug(
        "any bucket may be answered",
        genuine._key,
        set_condition(True, at=1),
        ("unit/cloudformation/test_genuine.py", "contract/test_forged.py"),
    ),
    Bug(
        "any path of the bucket may be answered",
        genuine._refused_url,
        drop_guard(mentions="ResponseURL is refused: its path names another request."),
        ("unit/cloudformation/test_genuine.py", "contract/test_forged.py"),
    ),
    Bug(
        "a response goes to another Region",
        genuine._is_s3,
        drop_operand(1, at=-1),
        ("unit/cloudformation/test_genuine.py",),
    ),
    Bug(
        "a stack of any account is served",
        genuine._refused_stack,
        drop_guard(at=-1),
        ("unit/cloudformation/test_genuine.py", "contract/test_forged.py"),
    ),
    Bug(
        "a stack of any partition and Region is served",
        genuine._refused_stack,
        drop_guard(at=-2),
        ("unit/cloudformation/test_genuine.py", "contract/test_forged.py"),
    ),
    Bug(
        "a signing time in the future counts",
        genuine._refused_date,
        drop_guard(),
        ("unit/cloudformation/test_genuine.py", "contract/test_forged.py"),
    ),
    Bug(
        "an Expires in the far future leaves every later request behind",
        request._signed_at,
        drop_operand(1, at=-1),
        ("unit/cloudformation/test_genuine.py", "unit/reconciler/test_loop.py"),
    ),
    Bug(
        "a refused event's URL is logged whole",
        genuine.shown,
        replaced_by(_whole_url),
        ("unit/cloudformation/test_genuine.py", "contract/test_forged.py"),
    ),
    Bug(
        "a refused event is not counted",
        log.refused,
        set_keyword("name", "Other"),
        ("contract/test_forged.py",),
    ),
    # --- what AWS reports ---
    Bug(
        "throttling is final",
        error_codes.code,
        drop_operand(1, at=0),
        ("unit/aws/test_session.py", "unit/aws/test_error_codes.py"),
    ),
    Bug(
        "the replication group is settled while a node is not",
        observed.not_stabilized_reason,
        set_return(None, at=-1),
        ("unit/state/test_observed.py", "unit/planner/test_plan.py"),
    ),
    # --- the record and the owner ---
    Bug(
        "requests in any order",
        record.RequestVersion.__lt__,
        set_return(False),
        ("unit/state/test_record.py", "unit/reconciler/test_loop.py", "concurrency/test_races.py"),
    ),
    Bug(
        "the ownership check is forgotten",
        ownership._owned,
        drop_operand(1),
        ("unit/state/test_ownership.py", "unit/reconciler/test_apply.py"),
    ),
    Bug(
        "a foreign replication group is deleted",
        ownership.judge,
        unwrap_call(ownership._owned, at=0),
        ("unit/planner/test_delete.py", "unit/reconciler/test_delete.py"),
    ),
    # --- the calls ---
    Bug(
        "a change waits for the maintenance window",
        elasticache.modify_replication_group,
        set_item("ApplyImmediately", False),
        ("unit/calls/test_base.py", "unit/reconciler/test_apply.py"),
    ),
    Bug(
        "the port is open to every address",
        ec2._ingress,
        set_item("CidrIp", "0.0.0.0/0"),
        ("unit/calls/test_base.py", "unit/reconciler/test_apply.py"),
    ),
    Bug(
        "no final snapshot",
        elasticache.delete_replication_group,
        set_condition(False, at=0),
        ("unit/reconciler/test_delete.py", "unit/calls/test_base.py"),
    ),
    Bug(
        "every attempt draws a new token",
        elasticache.create_replication_group,
        swap_constant("stored", "new"),
        ("unit/calls/test_base.py", "unit/reconciler/test_apply.py"),
    ),
    # --- the attributes ---
    Bug(
        "a cluster-mode group's endpoint is looked for at the primary",
        attributes._endpoint,
        set_condition(False, at=0),
        ("unit/cloudformation/test_attributes.py",),
    ),
    Bug(
        "the artifact is not checked against its schema",
        attributes.artifact,
        drop_statement(mentions=schemas.check_artifact),
        ("unit/cloudformation/test_attributes.py",),
    ),
    Bug(
        "readers are sent to the primary",
        attributes.attributes,
        drop_operand(0, mentions=attributes._endpoint),
        ("unit/cloudformation/test_attributes.py",),
    ),
    # --- the properties ---
    Bug(
        "a hostile input reaches the validator",
        parse.read,
        drop_statement(mentions=coercion.bounded),
        (_PARSE,),
    ),
    Bug(
        "an unreadable old property makes a Delete fail",
        parse._lenient_view,
        drop_operand(1, mentions=parse._is_bounded),
        (_PARSE,),
    ),
    Bug("an empty string counts as given", coercion._to_object, drop_filter(), (_PARSE,)),
    Bug("true in quotes stays a string", coercion._to_boolean, set_condition(False), (_PARSE,)),
    Bug("two Regions may differ", rules._regions, set_condition(False, at=-1), (_PARSE,)),
    Bug("any ARN may be assumed", rules._role, set_condition(False, mentions=arns.is_role), (_PARSE,)),
    Bug("the ingress may be the whole of IPv4", rules._cidr, set_condition(False, at=-1), (_PARSE,)),
    Bug(
        "a node type runs on any engine",
        rules._engine,
        set_condition(True, mentions=catalog.runs_on),
        (_PARSE,),
    ),
    Bug("windows that touch overlap", windows._overlaps, swap_operator(ast.Lt, ast.LtE, at=0), (_PARSE,)),
    # --- versions ---
    Bug("the patch of a version from 6 on counts", catalog._comparable, set_condition(False), (_CATALOG,)),
    Bug(
        "the end of support is not warned of",
        catalog.support_warning,
        drop_guard(at=2),
        (_CATALOG,),
    ),
    # --- secrets ---
    Bug(
        "the message of a violation holds the value",
        violations._type,
        replaced_by(_value_shown),
        (_PARSE, "contract/test_secrecy.py"),
    ),
    Bug(
        "the external id stands in logs of the properties",
        model.Authentication,
        set_keyword("repr", True),
        (_PARSE, "contract/test_secrecy.py"),
    ),
    Bug(
        "nothing is hidden in logs and Reasons",
        log.redact,
        drop_statement(at=0),
        ("unit/test_log.py", "unit/reconciler/test_loop.py"),
    ),
    Bug("libraries log at Lambda's level", log.quiet_libraries, do_nothing(), ("unit/test_log.py",)),
)

BUGS: tuple[Bug, ...] = (*_BUGS_OF_VALUES, *PROTOCOL_BUGS, *OUT_OF_BAND_BUGS)
