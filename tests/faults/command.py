from __future__ import annotations

import argparse
import os
import time


def set_up():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.settings")
    import logging
    import django
    django.setup()
    logging.disable(logging.CRITICAL)
    from tests.faults import connector, ports
    from tests.faults.world import make_tables, make_world
    ports.take_over()
    connector.plug_in()
    make_tables()
    world = make_world()
    from tests.faults.database import Database
    return Database(), world


def main(arguments):
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int)
    p.add_argument("--kind", default="K")
    p.add_argument("--seeds", type=int, default=50)
    p.add_argument("--start", type=int, default=0)
    p.add_argument("--profile")
    o = p.parse_args(arguments)
    t = time.time()
    database, world = set_up()
    print(f"set up {time.time()-t:.1f}s")
    from tests.faults.history import History
    from tests.faults.plan import make_plan
    from tests.faults.processor import Kind
    extra = {"profile": o.profile} if o.profile else {}
    if o.seed is not None:
        r = History(database, world, make_plan(Kind(o.kind), o.seed, **extra), trace=True).run()
        print("\n".join(r.lines)); print(r.violations); return bool(r.violations)
    t = time.time(); bad = 0; points = 0; caps = 0
    for seed in range(o.start, o.start + o.seeds):
        r = History(database, world, make_plan(Kind(o.kind), seed, **extra)).run()
        points += r.points; caps += r.captures
        if r.violations:
            bad += 1
            print(seed, make_plan(Kind(o.kind), seed).profile, r.violations[:3])
    dt = time.time() - t
    print(f"{o.seeds} histories in {dt:.1f}s = {o.seeds/dt:.1f}/s, {points} points, {caps} captures, {bad} bad")
    return bad
