"""EventBridge and its Scheduler, connected with a session: what is due by its clock, and what lies on its buses."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from helpers.cloud.events.moto_common import replace_methods
from helpers.cloud.events.moto_rules import Rules
from helpers.cloud.events.moto_schedules import Schedules
from helpers.cloud.events.moto_targets import Targets

if TYPE_CHECKING:
    from helpers.cloud.engine import Engine


def build_bridges(engine: Engine, undo: contextlib.ExitStack, *, strict: bool) -> None:
    """Let rules and schedules act.

    Parameters
    ----------
    engine : its bridge, timer and clock are there already
    undo : gets what gives moto its methods back
    strict : as AWS; otherwise schedules stay what they are in moto, entries in a list
    """
    targets = Targets(engine.bridge.delivery, engine.timer, engine.service.attempt, engine.quiet.changed)
    engine.quiet.watch("events on their way to targets", targets.waiting)
    rules = Rules(targets, engine.clock, strict=strict)
    engine.bridge.delivery.on_bus = rules.on_bus
    replaced = rules.replacements()
    if strict:
        replaced += Schedules(targets, rules, engine.clock).replacements()
    for owner, name, method in replaced:
        replace_methods(owner, {name: method}, undo)
