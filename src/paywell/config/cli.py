"""`paywell`: the command line. Each room's commands are Django management commands; this picks the settings."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run `paywell COMMAND ...`. `paywell import clients FILE` is the command `import_clients`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.production")
    arguments = sys.argv[1:]
    if len(arguments) >= 2 and arguments[0] == "import":
        arguments = [f"import_{arguments[1]}", *arguments[2:]]
    if arguments:
        arguments[0] = arguments[0].replace("-", "_")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["paywell", *arguments])


if __name__ == "__main__":
    main()
