"""Runs the peers over a corpus and records each verdict with its CPU time.

    python peers.py CORPUS_DIR --json OUT --picklescan VENV --modelscan VENV --fickling VENV --modelaudit VENV

Each peer runs as a library in its own environment, one process for all files, so that
its start is not counted; a file that kills or stops the process counts as an error.
Verdicts: `flagged`, `clean`, `error` (the peer gave no verdict), `unsupported` (the peer
looked at nothing). A folder without `index.json` is taken as benign files.
"""

import argparse
import collections
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

PEERS = ("picklescan", "modelscan", "fickling", "modelaudit")


def files_of(path):
    path = Path(path)
    return sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]


def run_picklescan():
    from picklescan.scanner import scan_directory_path, scan_file_path

    def scan(path):
        result = scan_directory_path(path) if Path(path).is_dir() else scan_file_path(path)
        detail = f"{result.issues_count} dangerous, {result.suspicious_count} suspicious"
        if result.issues_count:
            return "flagged", detail
        if result.scan_err:
            return "error", detail
        return ("clean" if result.scanned_files else "unsupported"), detail

    return scan


def run_modelscan():
    from modelscan.modelscan import ModelScan

    def scan(path):
        scanner = ModelScan()
        result = scanner.scan(path)
        counts = result["summary"]["total_issues_by_severity"]
        detail = ", ".join(f"{n} {name.lower()}" for name, n in counts.items() if n)
        if result["summary"]["total_issues"]:
            return "flagged", detail
        if result.get("errors"):
            return "error", str(result["errors"][0])[:200]
        return ("clean" if result["summary"]["scanned"]["total_scanned"] else "unsupported"), ""

    return scan


def run_fickling():
    import zipfile

    from fickling.analysis import Severity
    from fickling.loader import scan_file, scan_zip_archive

    def scan(path):
        worst, seen, errors = Severity.LIKELY_SAFE, 0, []
        for item in files_of(path):
            try:
                archive = zipfile.is_zipfile(item)
                parts = scan_zip_archive(str(item)).values() if archive else [scan_file(str(item))]
                for part in parts:
                    seen += 1
                    worst = max(worst, part.severity)
            except Exception as error:  # the peer raises whatever its parser raises
                errors.append(f"{type(error).__name__}: {error}")
        if worst > Severity.LIKELY_SAFE:
            return "flagged", worst.name
        if errors:
            return "error", errors[0][:200]
        return ("clean" if seen else "unsupported"), ""

    return scan


def run_modelaudit():
    from modelaudit.core import determine_exit_code, scan_model_directory_or_file

    def scan(path):
        result = scan_model_directory_or_file(path, cache_enabled=False, timeout=60)
        code = determine_exit_code(result)
        levels = collections.Counter(str(getattr(i.severity, "value", i.severity)) for i in result.issues)
        detail = ", ".join(f"{n} {name}" for name, n in sorted(levels.items()))
        if code == 1:
            return "flagged", detail
        if code == 2:
            return ("error" if result.files_scanned else "unsupported"), detail
        return "clean", detail

    return scan


def work(name):
    """The worker: one path a line on standard input, one JSON verdict a line on its output."""
    out = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    scan = {"picklescan": run_picklescan, "modelscan": run_modelscan, "fickling": run_fickling, "modelaudit": run_modelaudit}[name]()
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        start = time.process_time()
        try:
            verdict, detail = scan(json.loads(line))
        except Exception as error:  # a crash of the peer is its verdict on this file
            verdict, detail = "error", f"{type(error).__name__}: {error}"[:200]
        spent = time.process_time() - start
        print(json.dumps({"verdict": verdict, "detail": detail, "cpu_seconds": round(spent, 6)}), file=out, flush=True)


class Worker:
    """A peer's process, started again when a file ends it."""

    def __init__(self, name, venv, timeout):
        self.name, self.timeout, self.process = name, timeout, None
        self.python = Path(venv) / "bin" / "python"
        self.version = subprocess.run(
            [self.python, "-c", f"import importlib.metadata as m; print(m.version('{name}'))"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()

    def start(self):
        environment = dict(os.environ, PROMPTFOO_DISABLE_TELEMETRY="1", NO_ANALYTICS="1", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")
        self.process = subprocess.Popen(
            [self.python, __file__, "--worker", self.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )
        if self.read(120) is None:
            raise RuntimeError(f"{self.name} does not start in {self.python}")

    def read(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else b""
        return json.loads(line) if line else None

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def scan(self, path):
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(str(path)).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.read(self.timeout)
        except BrokenPipeError:
            answer = None
        if answer is None:
            ended = self.process.poll() is not None
            self.stop()
            return {"verdict": "error", "detail": "the process ended" if ended else f"no answer in {self.timeout} s", "cpu_seconds": None}
        return answer


def rows_of(folder):
    index = folder / "index.json"
    if index.exists():
        return json.loads(index.read_text())
    names = [item.relative_to(folder) for item in files_of(folder) if item.suffix != ".md"]
    return [{"path": str(name), "class": "benign", "format": name.suffix} for name in names]


def summary(results, names):
    table = {}
    for name in names:
        counts = collections.defaultdict(collections.Counter)
        cpu = 0.0
        for row in results:
            counts[row["class"]][row[name]["verdict"]] += 1
            cpu += row[name]["cpu_seconds"] or 0.0
        table[name] = {kind: dict(sorted(c.items())) for kind, c in sorted(counts.items())}
        table[name]["cpu_seconds"] = round(cpu, 3)
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one file")
    parser.add_argument("--worker", choices=PEERS, help=argparse.SUPPRESS)
    for name in PEERS:
        parser.add_argument(f"--{name}", metavar="VENV", help=f"environment of {name}")
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
        return
    venvs = {name: getattr(options, name) for name in PEERS if getattr(options, name)}
    if not options.corpus or not options.json or not venvs:
        parser.error("a corpus, --json and at least one environment are needed")
    workers = {name: Worker(name, venv, options.timeout) for name, venv in venvs.items()}
    results = []
    for row in rows_of(options.corpus):
        verdicts = {name: worker.scan((options.corpus / row["path"]).resolve()) for name, worker in workers.items()}
        results.append({"path": row["path"], "class": row["class"], "format": row["format"], **verdicts})
    for worker in workers.values():
        worker.stop()
    table = summary(results, list(workers))
    versions = {name: worker.version for name, worker in workers.items()}
    options.json.write_text(json.dumps({"versions": versions, "summary": table, "results": results}, indent=1) + "\n")
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
