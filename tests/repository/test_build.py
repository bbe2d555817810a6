"""The built artifact runs alone: nothing of this repository or of a tool's environment fills a gap in it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from .test_lock import LOCK, pins

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build" / "emulated"
LARGEST = 250 * 1024 * 1024
"""Bytes of an unzipped deployment package (Lambda quotas)."""

pytestmark = pytest.mark.deployed

ALONE = """
import sys
sys.path = [path for path in sys.path if "site-packages" not in path]
sys.path[:0] = sys.argv[1:]
import app
{code}
"""
"""Runs in an interpreter with the standard library and one artifact, and no site-packages."""


ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "RESOURCE_PREFIX": "mdr-12345678",
    "SCHEDULE_GROUP": "mdr-12345678",
    "SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/poll",
}


def alone(function: str, code: str, *more: Path) -> str:
    """Import a built function in an empty environment, run `code` there, and return what it printed.

    `more` are further folders to import from.
    """
    assert (BUILT / "template.yaml").exists(), "the provider is not built: run `make build-emulated`"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", ALONE.format(code=code), BUILT / function, *more],
        env=ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_provider_imports_with_nothing_but_its_artifact() -> None:
    assert alone("ProviderFunction", "print(callable(app.handler))") == "True\n"


def test_the_provider_ships_the_packages_of_the_lock_and_no_other() -> None:
    found = (
        path.name.removesuffix(".dist-info") for path in (BUILT / "ProviderFunction").glob("*.dist-info")
    )
    shipped = {canonicalize_name(name): version for name, version in (each.rsplit("-", 1) for each in found)}

    assert shipped == pins(LOCK, f"{sys.version_info.major}.{sys.version_info.minor}")


def test_the_provider_finds_its_schemas_in_the_artifact() -> None:
    folder = BUILT / "ProviderFunction" / "schemas"
    code = "from massdriver_redis.properties import schemas; print(schemas.directory())"
    assert alone("ProviderFunction", code).strip() == str(folder)
    shipped = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert shipped == {path.name: path.read_bytes() for path in (ROOT / "schemas").iterdir()}


def test_the_built_provider_validates_by_those_schemas() -> None:
    event = json.loads((ROOT / "events" / "free-tier-broken.json").read_text())
    code = f"""
from datetime import date
from massdriver_redis.properties import parse
try:
    parse.read({event["ResourceProperties"]!r}, today=date(2026, 7, 1))
except Exception as error:
    print(error)
"""
    assert "node_type" in alone("ProviderFunction", code)


def test_the_fallback_needs_nothing_but_the_sdk_that_the_runtime_has(tmp_path: Path) -> None:
    for package in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        (tmp_path / package).symlink_to(BUILT / "ProviderFunction" / package)
    assert alone("FallbackFunction", "print(callable(app.handler))", tmp_path) == "True\n"
    files = [path for path in (BUILT / "FallbackFunction").rglob("*") if path.is_file()]
    own = {path.name for path in (ROOT / "fallback").glob("*.py")}
    assert {path.relative_to(BUILT / "FallbackFunction").as_posix() for path in files} == {
        *own,
        "massdriver_redis/cloudformation/genuine.py",
    }


def test_the_packages_fit_lambda_and_carry_no_tests_or_caches(tmp_path: Path) -> None:
    for function in ("ProviderFunction", "FallbackFunction"):
        files = [path for path in (BUILT / function).rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < LARGEST
        assert [path for path in files if "__pycache__" in path.parts] == []
        with zipfile.ZipFile(tmp_path / f"{function}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path)
        assert (tmp_path / f"{function}.zip").stat().st_size < 50 * 1024 * 1024
