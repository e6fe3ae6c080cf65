"""The fixtures of the corpus and the index that says what a scanner owes to each of them."""

import json
import shutil
from pathlib import Path

EXPECTATION = {
    "malicious": {"minimum": "high"},
    "suspicious": {"minimum": "medium", "or_incomplete": True},
    "benign": {"maximum": "low"},
}


class Corpus:
    """Collects fixtures in memory; `write` puts them on disk with `index.json`."""

    def __init__(self):
        self.rows = []
        self.files = {}

    def add(self, kind, name, format, about, data, refs=()):
        """Adds one fixture; `data` is bytes, or for a folder a mapping of relative name to bytes."""
        if kind not in EXPECTATION:
            raise ValueError(f"unknown class {kind!r}")
        path = f"{kind}/{name}"
        if path in self.files:
            raise ValueError(f"{path} is defined twice")
        self.files[path] = data
        self.rows.append(
            {
                "path": path,
                "class": kind,
                "format": format,
                "about": about,
                "references": list(refs),
                "expect": EXPECTATION[kind],
            }
        )

    def malicious(self, name, format, about, data, refs=()):
        self.add("malicious", name, format, about, data, refs)

    def suspicious(self, name, format, about, data, refs=()):
        self.add("suspicious", name, format, about, data, refs)

    def benign(self, name, format, about, data, refs=()):
        self.add("benign", name, format, about, data, refs)

    def write(self, out):
        """Writes every fixture under `out`; earlier fixtures there are removed first."""
        out = Path(out)
        for kind in EXPECTATION:
            shutil.rmtree(out / kind, ignore_errors=True)
            (out / kind).mkdir(parents=True)
        for path, data in self.files.items():
            parts = data if isinstance(data, dict) else {"": data}
            for inner, content in parts.items():
                target = out / path / inner if inner else out / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        rows = sorted(self.rows, key=lambda row: row["path"])
        text = json.dumps(rows, indent=1, ensure_ascii=True) + "\n"
        (out / "index.json").write_text(text, encoding="ascii")
        return rows
