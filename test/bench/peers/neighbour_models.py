"""Models that cost time or a core, to see whether four of them slow each other.

As a program, makes the calls of `Working` in a loop for so many seconds without anything around
them, and prints how many: what the cores allow.
"""

import asyncio
import sys
import time

from gatehouse import Model

PAUSE_S = 0.02


class Sleeping(Model):
    def predict(self, items):
        time.sleep(PAUSE_S)
        return items


class Awaiting(Model):
    async def predict(self, items):
        await asyncio.sleep(PAUSE_S)
        return items


class Working(Model):
    def predict(self, items):
        work()
        return items


def work():
    """Keep a core busy for a few milliseconds: always the same work, not always the same time."""
    total = 0
    for number in range(100_000):
        total += number * number
    return total


if __name__ == "__main__":
    ends_at = time.monotonic() + float(sys.argv[1])
    calls = 0
    while time.monotonic() < ends_at:
        work()
        calls += 1
    print(calls)
