"""The shop on the command line: python cli.py FOLDER order NUMBER PICTURE SIZE COPIES | find NUMBER.

Prints JSON. Ends with 0, with 2 for what is refused and with 3 for what nobody has ordered.
"""

import argparse
import json
import sys

from orders_folder import Orders
from shop import Refused, Shop, Unknown


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    verbs = parser.add_subparsers(dest="verb", required=True)
    order, find = verbs.add_parser("order"), verbs.add_parser("find")
    for name, kind in (("number", str), ("picture", str), ("size", str), ("copies", int)):
        order.add_argument(name, type=kind)
    find.add_argument("number")
    asked = vars(parser.parse_args())
    folder, verb = asked.pop("folder"), asked.pop("verb")
    try:
        print(json.dumps(getattr(Shop(Orders(folder)), verb)(**asked)))
    except Refused as refused:
        print(json.dumps({"error": str(refused)}))
        sys.exit(2)
    except Unknown as unknown:
        print(json.dumps({"error": str(unknown)}))
        sys.exit(3)


if __name__ == "__main__":
    main()
