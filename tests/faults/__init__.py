"""The payment path under every fault: real code, a simulated processor, clock, network and people.

One seed is one history, and it can be replayed: `./run faults --seed 17 --kind K`. `docs/reliability.md` says what
is simulated, what is checked afterwards, and what came of it.
"""
