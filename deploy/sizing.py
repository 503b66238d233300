"""Compute what a class needs from what was measured: the tables of README.md and the numbers of values.yaml.

python deploy/sizing.py            prints both
python deploy/sizing.py --write    puts them into the files
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

from helpers.capacity import assumptions
from helpers.classroom import Class, Learner, Node, Plan, Share, plan_class, seats, share_of

DEPLOY = Path(__file__).resolve().parent
README, VALUES = DEPLOY / "README.md", DEPLOY / "kubernetes" / "values.yaml"
NODES = (Node("m7i.large"), Node("m7i.large", 4), Node("m6i.large"), Node("m7g.large"), Node("m7g.large", 4))
LEARNERS, DAY_HOURS, COURSE_DAYS = 300, 8, 5
SIZES = {1: "large", 2: "xlarge", 4: "2xlarge", 8: "4xlarge", 16: "8xlarge"}
MARK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def measured() -> dict:
    """Return what the load test stored."""
    return json.loads((DEPLOY / "measured.json").read_text(encoding="utf-8"))


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; all columns but the first hold numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def learners_table(found: dict) -> str:
    """Return what was measured, a row a learner."""
    head = ["learner", "login, s", "first cell, s", "Run All, s", "processor, s", "memory at rest, MB", "peak, MB"]
    head += ["warm invocation, ms", "slowest 5%, ms"]
    names = ("start_s", "first_cell_s", "run_s", "run_cpu_s", "rest_mb", "peak_mb", "warm_ms", "warm_slow_ms")
    rows = [
        [f"{how}: {one['notebook']}", *(f"{one[name]:,}" for name in names)]
        for how in ("alone", "together")
        for one in found[how]
    ]
    return table(head, rows)


def name_of(node: Node) -> str:
    """Return a node's instance type."""
    return node.instance_type.replace("large", SIZES[node.times])


def cluster_table(share: Share, plan: Plan) -> str:
    """Return what a class costs on each kind of node."""
    head = ["node", "learners on one", "nodes", "USD an hour", f"USD a course of {COURSE_DAYS} days", "USD a month"]
    rows = []
    for node in NODES:
        one: Class = plan_class(LEARNERS, node, share, plan)
        prices = (one.usd_per_hour, one.bill(DAY_HOURS * COURSE_DAYS).total, one.bill().total)
        cells = [name_of(node), f"{one.seats}", f"{one.nodes} + {one.core_nodes}", *(f"{usd:,.2f}" for usd in prices)]
        rows.append(cells)
    return table(head, rows)


def machine_table(share: Share, plan: Plan) -> str:
    """Return how many learners one machine carries."""
    head = ["one machine", "vCPU", "memory, GiB", "learners", "USD an hour"]
    plan = replace(plan, volumes=10_000, pods_per_vcpu=10_000)  # neither is there
    rows = []
    for times in SIZES:
        node = Node("m7i.large", times)
        usd = plan_class(1, node, share, plan).bill(1)
        machine_usd = sum(line.usd for line in usd.lines if line.slug.startswith("ec2.")) / 2  # learners' and core
        cells = [name_of(node), f"{node.vcpu:.0f}", f"{8 * times}", f"{seats(node, share, plan)}", f"{machine_usd:.2f}"]
        rows.append(cells)
    return table(head, rows)


def parts() -> dict[str, str]:
    """Return the generated parts of the README by name."""
    found, plan = measured(), Plan()
    share = share_of(Learner.measured(found), plan)
    machine = found["machine"]
    told = assumptions(plan)
    declared = table(
        ["assumption", "value", "why"], [[row.assumption, row.value, row.reason] for row in told.itertuples()]
    )
    return {
        "machine": f"Measured on {found['as_of']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}.\n",
        "learners": learners_table(found),
        "share": f"Set aside for each learner: **{share.memory_mb} MB and {share.cpu:g} processors**; at most "
        f"{share.memory_limit_mb} MB and {share.cpu_limit:g} processors. The hub with its proxy and culler took "
        f"{found['hub_mb']} MB.\n",
        "cluster": cluster_table(share, plan),
        "single": machine_table(share, plan),
        "assumptions": declared.replace("| --- | ---: | ---: |", "| --- | --- | --- |"),
    }


def readme(text: str) -> str:
    """Return the README with its generated parts."""
    known = parts()
    return MARK.sub(lambda found: found[1] + known[found[2]] + found[3], text)


def values(text: str) -> str:
    """Return the chart's values with memory and processors as computed."""
    plan = Plan()
    share = share_of(Learner.measured(measured()), plan)
    for kind, guarantee, limit in (
        ("memory", f"{share.memory_mb}M", f"{share.memory_limit_mb}M"),
        ("cpu", f"{share.cpu}", f"{share.cpu_limit}"),
    ):
        lines = f"  {kind}:\n    guarantee: {guarantee}\n    limit: {limit}\n"
        text = re.sub(rf"  {kind}:\n    guarantee: .*\n    limit: .*\n", lines, text)
    replicas = round(LEARNERS * plan.spare)
    return re.sub(r"replicas: \d+", f"replicas: {replicas}", text)


def main() -> None:
    """Print, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        for path, made in ((README, readme), (VALUES, values)):
            path.write_text(made(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write("\n".join(parts().values()))


if __name__ == "__main__":
    main()
