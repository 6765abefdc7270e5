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
    from tests.faults import connector, ports, world

    logging.disable(logging.WARNING)  # what the product logs of each fault would be most of the work
    logging.getLogger("paywell").addHandler(connector.Listener())
    logging.getLogger("paywell").propagate = False
    ports.take_over()
    connector.plug_in()
    world.make_tables()
    made = world.make_world()
    return Stage(Database(), made)
