"""`python -m tests.scale --creates 300 --others 3000 --concurrency 10 --seed 1` prints what came of it."""

import argparse
import logging
from dataclasses import asdict

from .creates import LATEST_FIRING, Creates

_DEFAULTS = {"creates": 300, "others": 3000, "concurrency": 1000, "late": LATEST_FIRING, "seed": 1}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.scale")
    for name, default in _DEFAULTS.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    logging.disable()  # the fallback writes a line for each event
    creates = Creates(**vars(parser.parse_args()))
    for name, value in asdict(creates.run()).items():
        print(f"{name:12} {value:,.0f}" if isinstance(value, int | float) else f"{name:12} {value}")
    for name, count in creates.aws.calls.most_common():
        print(f"  {name:44} {count:7,}")


if __name__ == "__main__":
    main()
