"""Counts the SQL of each page, in a process of its own, so that counting costs the measured servers nothing.

`python -m bench.count FILE`, with Paywell's settings; FILE holds `{session: [path, ...]}` as JSON. Prints, as JSON,
`{session: {path: number}}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django


def main() -> None:
    django.setup()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    counted: dict[str, dict[str, int]] = {}
    for session, paths in json.loads(Path(sys.argv[1]).read_text()).items():
        client = Client(HTTP_HOST="127.0.0.1")
        client.cookies["sessionid"] = session
        client.get(paths[0])  # a new session is written once
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            counted.setdefault(session, {})[path] = len(queries)
    print(json.dumps(counted))


if __name__ == "__main__":
    main()
