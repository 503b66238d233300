"""The shop on the web: PUT and GET of /orders/<number>. Knows methods, paths and statuses, and nobody's events."""

import json

from shop import Refused, Unknown


def answer(shop, method, path, body):
    """Return the status and the answer, as a dict, to one request."""
    if path == "/health":
        return 200, {"ok": True}
    place, _, number = path.strip("/").partition("/")
    try:
        if place != "orders" or not number or method not in ("GET", "PUT"):
            return 404, {"error": "no such page"}
        if method == "GET":
            return 200, shop.find(number)
        asked = json.loads(body or "{}")
        return 200, shop.order(number, asked.get("picture"), asked.get("size"), asked.get("copies"))
    except ValueError:
        return 400, {"error": "the body must be JSON"}
    except Refused as refused:
        return 400, {"error": str(refused)}
    except Unknown as unknown:
        return 404, {"error": str(unknown)}
