#!/usr/bin/env python3
"""Make atlas.yaml from the official ATLAS.yaml and our own summaries.yaml.

Usage: python3 make.py PATH/TO/ATLAS.yaml [--check]

The official file is published at https://github.com/mitre-atlas/atlas-data (dist/ATLAS.yaml). Only ids, names and
relations are taken from it; every sentence comes from summaries.yaml. The script fails when a summary is missing or
belongs to an id that no longer exists. With --check nothing is written and the status tells whether atlas.yaml is current.
"""

import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).parent
HEADER = """\
# MITRE ATLAS as ids, names and relations, made by make.py; do not edit by hand. Summaries are our own words (summaries.yaml).
# Source: MITRE ATLAS data, https://github.com/mitre-atlas/atlas-data, Copyright 2021-2025 MITRE, Apache License 2.0.
# MITRE and MITRE ATLAS are marks of The MITRE Corporation, which does not endorse this work.
"""


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def attack_id(item):
    reference = item.get("ATT&CK-reference")
    return [f"attack_id: {reference['id']}"] if reference else []


def row(parts):
    return "- {" + ", ".join(parts) + "}\n"


def build(official, summaries):
    (matrix,) = official["matrices"]
    problems = []
    for kind in ("tactics", "techniques", "mitigations"):
        have, want = set(summaries[kind]), {item["id"] for item in matrix[kind]}
        problems += [f"{kind}: no summary for {i}" for i in sorted(want - have)]
        problems += [f"{kind}: summary for unknown {i}" for i in sorted(have - want)]
    if problems:
        sys.exit("\n".join(problems))

    out = [HEADER, f"name: {official['name']}\nversion: {quote(str(official['version']))}\n"]
    for kind in ("tactics", "techniques", "mitigations"):
        out.append(f"{kind}:\n")
        for item in matrix[kind]:
            parts = [f"id: {item['id']}", f"name: {quote(item['name'].strip())}"]
            if kind == "techniques":
                parent = item.get("subtechnique-of")
                parts += [f"parent: {parent}"] if parent else [f"tactics: [{', '.join(item['tactics'])}]"]
                parts.append(f"maturity: {item['maturity']}")
            parts += attack_id(item)
            if kind == "mitigations":
                parts.append(f"categories: [{', '.join(quote(c) for c in item['category'])}]")
                parts.append(f"techniques: [{', '.join(t['id'] for t in item['techniques'])}]")
            parts.append(f"summary: {quote(summaries[kind][item['id']])}")
            out.append(row(parts))
    return "".join(out)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    official = yaml.safe_load(pathlib.Path(arguments[0]).read_text(encoding="utf-8"))
    summaries = yaml.safe_load((HERE / "summaries.yaml").read_text(encoding="utf-8"))
    text = build(official, summaries)
    target = HERE / "atlas.yaml"
    if "--check" in sys.argv:
        sys.exit(0 if target.read_text(encoding="utf-8") == text else "atlas.yaml is not what make.py would write")
    target.write_text(text, encoding="utf-8")


main()
