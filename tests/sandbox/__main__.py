"""`./run sandbox --processor NAME`: the journey against that processor's real test mode."""

from __future__ import annotations

import argparse
import os
import sys

import django

from paywell.processors.contract import Connection, Setup


def variable(processor: str, field: str) -> str:
    return f"PAYWELL_SANDBOX_{processor}_{field}".upper()


def read_keys(name: str, setup: Setup) -> tuple[Connection, list[str]]:
    """The connection from the environment, and the variables that are missing."""
    values = {field.name: os.environ.get(variable(name, field.name), "") for field in setup.fields}
    missing = [variable(name, f.name) for f in setup.fields if f.is_required and not values[f.name]]
    secret = {field.name for field in setup.fields if field.is_secret}
    return (
        Connection(
            settings={key: value for key, value in values.items() if key not in secret and value},
            secrets={key: value for key, value in values.items() if key in secret and value},
            live_mode=False,
        ),
        missing,
    )


def main() -> int:
    django.setup()
    from paywell.processors.registry import CONNECTORS, connect, get_setup
    from tests.sandbox.journey import WentWrong, travel
    from tests.sandbox.payers import get_payer

    names = [name for name, connector in CONNECTORS.items() if not connector.is_test]
    parser = argparse.ArgumentParser(prog="./run sandbox", description=__doc__)
    parser.add_argument("--processor", required=True, choices=names)
    parser.add_argument("--return-url", default="https://example.org/", help="where its page leads back")
    chosen = parser.parse_args()
    connection, missing = read_keys(chosen.processor, get_setup(chosen.processor))
    if missing:
        print(f"Skipped: no keys for {chosen.processor}. Set {', '.join(missing)} to those of its test mode.")
        return 0
    processor = connect(chosen.processor, connection)
    try:
        for step in travel(processor, get_payer(chosen.processor, connection), chosen.return_url):
            print(f"ok  {step.name}: {step.found}", flush=True)
    except WentWrong as error:
        print(f"NOT AS PROMISED  {error}")
        return 1
    print(f"{chosen.processor} does what its connector promises.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
