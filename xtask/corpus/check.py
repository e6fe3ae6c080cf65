"""Scans the corpus with caiso and compares each verdict with the one the fixture is made for.

    check.py CAISO CORPUS

CORPUS is a folder that make.py wrote. Fails if a malicious fixture is not found at its least severity, a
suspicious one neither found nor incomplete, a benign one above low, or a check finds nothing in any fixture.
"""

import collections
import json
import pathlib
import subprocess
import sys

ORDER = ["info", "low", "medium", "high", "critical"]


def main():
    caiso, corpus = sys.argv[1:]
    rows = json.loads((pathlib.Path(corpus) / "index.json").read_text())
    scan = subprocess.run(
        [caiso, "scan", corpus, "--format", "json", "--quiet"], stdout=subprocess.PIPE, check=False
    )
    if scan.returncode not in (1, 3):
        sys.exit(f"caiso scan ended with {scan.returncode}, expected findings")
    results = {
        str(pathlib.Path(result["path"]).relative_to(corpus)): result for result in json.loads(scan.stdout)
    }
    problems, counts, found = [], collections.Counter(), set()
    for row in rows:
        mine = [
            result
            for path, result in results.items()
            if path == row["path"] or path.startswith(row["path"] + "/")
        ]
        severities = [ORDER.index(result["max_severity"]) for result in mine if result["max_severity"]]
        worst = max(severities, default=-1)
        incomplete = any(result["not_inspected"] for result in mine)
        expect = row["expect"]
        if not mine:
            verdict = False
        elif "maximum" in expect:
            verdict = worst <= ORDER.index(expect["maximum"]) and (not incomplete or row["format"] == "empty")
        else:
            verdict = worst >= ORDER.index(expect["minimum"]) or (expect.get("or_incomplete", False) and incomplete)
        counts[row["class"]] += 1
        if row["class"] != "benign":
            found.update(finding["code"] for result in mine for finding in result["findings"])
        if not verdict:
            said = ORDER[worst] if worst >= 0 else "nothing"
            problems.append(f"{row['path']} ({row['about']}): {said}{', incomplete' if incomplete else ''}, expected {expect}")
    listed = subprocess.run([caiso, "checks", "MF-*", "--format", "json"], stdout=subprocess.PIPE, check=True)
    codes = {check["code"] for check in json.loads(listed.stdout)}
    # Links and signatures need a file system or a manifest: the end-to-end tests look at them.
    silent = sorted(code for code in codes - found if not code.startswith("MF-SIG-") and code != "MF-ID-004")
    problems += [f"{code} finds nothing in the corpus" for code in silent]
    if problems:
        sys.exit("\n".join(problems) + f"\n{len(problems)} problems")
    print(f"caiso met {sum(counts.values())} fixtures: {dict(counts)}; {len(codes) - 2} checks found what they are for")


if __name__ == "__main__":
    main()
