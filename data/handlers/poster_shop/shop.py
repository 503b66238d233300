"""The poster shop's rules: what an order costs, and what is refused. Knows no cloud, no web and no disk.

Its port is ``orders``: anything that can ``save(order)`` and ``load(number)``, which gives None where there is none.
"""

CENTS = {"small": 1200, "large": 2000}
MOST_COPIES = 500
FROM_TEN_PERCENT = 15


class Refused(Exception):
    """An order that the shop does not take; says why."""


class Unknown(Exception):
    """An order that nobody has placed."""


def price_cents(size, copies):
    if size not in CENTS:
        raise Refused(f"size must be {' or '.join(CENTS)}, got {size!r}")
    if not isinstance(copies, int) or not 1 <= copies <= MOST_COPIES:
        raise Refused(f"copies must be a whole number between 1 and {MOST_COPIES}, got {copies!r}")
    full = CENTS[size] * copies
    return full if copies < 10 else full * (100 - FROM_TEN_PERCENT) // 100


class Shop:
    def __init__(self, orders):
        self.orders = orders

    def order(self, number, picture, size, copies):
        placed = {"number": number, "picture": picture, "size": size, "copies": copies}
        placed["cents"] = price_cents(size, copies)
        if self.orders.load(number) not in (None, placed):
            raise Refused(f"order {number} is another one")
        self.orders.save(placed)
        return placed

    def find(self, number):
        found = self.orders.load(number)
        if found is None:
            raise Unknown(f"no order {number}")
        return found
