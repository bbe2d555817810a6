"""A call of boto3 answered in process: validated as botocore does, and refused as it reports a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator

from tests.simulator.errors import Refusal

from .recorder import client_error

Params = dict[str, Any]


def answered(
    client: BaseClient, operation: str, params: Params, act: Callable[[str, str, Params], Any]
) -> Any:
    """Return what `act(service, operation, params)` answers to a client's call.

    Raises ParamValidationError as botocore does, and the service's own ClientError for a Refusal.
    """
    model = client.meta.service_model
    report = ParamValidator().validate(params, model.operation_model(operation).input_shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())
    try:
        return _copied(act(model.service_name, operation, _copied(params)))
    except Refusal as refusal:
        raise reported(client, operation, refusal) from None


def reported(client: BaseClient, operation: str, refusal: Refusal) -> ClientError:
    """Return the exception by which a client reports a refusal."""
    error = client_error(str(refusal.code), str(refusal.message), operation)
    made: ClientError = client.exceptions.from_code(str(refusal.code))(error.response, operation)
    return made


def _copied(value: Any) -> Any:
    """Return a copy of what JSON and dates are made of; deepcopy takes five times as long."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    return value
