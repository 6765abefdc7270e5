"""One process in which histories run: Django set up, ports taken over, tables and world made."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache

from tests.faults.database import Database
from tests.faults.world import World


@dataclass
class Stage:
    database: Database
    world: World


@cache
def get_stage() -> Stage:
    from tests.faults import connector, lean, ports, remembered, world

    logging.disable(logging.WARNING)  # what the product logs of each fault would be most of the work
    logging.getLogger("paywell").addHandler(connector.Listener())
    logging.getLogger("paywell").propagate = False
    is_plain = remembered.get_mode() is remembered.Mode.PLAIN
    if not is_plain:
        lean.begin()
    ports.take_over()
    connector.plug_in()
    world.make_tables()
    if not is_plain:
        remembered.switch_on()
    made = world.make_world()
    database = Database()
    if not is_plain:
        lean.settle()
    return Stage(database, made)
