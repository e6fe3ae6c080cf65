"""Foolbox and ART beside caiso on the same models and rows: `parity.py CAISO MODELS`.

Prints a Markdown table. Of the robust accuracies of attacks without chance it says how many rows they are apart, and for which
share of the rows the losses at the adversarial rows agree within 1e-4; of attacks for the nearest example the ratio of the medians
to that of the better peer; of attacks with chance how far above the peer three standard errors allow. A row fails when it is outside its tolerance and no reason is known; then the status is 1.
Distances and losses of all three are computed here, from the adversarial rows they give.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

from peers import Art, Foolbox

MODELS = ["digits-mlp", "digits-cnn", "cancer-mlp", "cancer-linear"]
EPSILONS = {"linf": [0.05, 0.1], "l2": [0.3, 0.6]}
# One row of the data set may sit where the sign of a gradient is a matter of rounding.
ONE_ROW = 1
LOSS = 1e-4

# Steps as a fraction of epsilon; both peers are given the same.
DETERMINISTIC = [
    ("fgsm", ["linf", "l2"], 1, None),
    ("bim", ["linf", "l2"], 10, 0.2),
    ("pgd", ["linf", "l2"], 20, 0.1),
]
# Attack, norm, rows, caiso's own parameters, what the peers are given as steps, allowed ratio of medians.
NEAREST = [
    ("deepfool", "l2", 300, [], None, 1.02),
    ("deepfool", "linf", 300, [], None, 1.02),
    ("ddn", "l2", 300, [], None, 1.02),
    ("cw", "l2", 60, [], None, 1.02),
    ("ead", "l1", 60, [], None, 1.02),
    ("fmn", "linf", 300, [], None, 1.02),
    ("fmn", "l1", 300, [], None, 1.02),
    ("fmn", "l0", 300, [], None, 1.02),
    ("jsma", "l0", 60, [], None, 1.02),
    ("hopskipjump", "l2", 20, [], 20, 1.05),
    ("boundary", "l2", 20, [], 1000, 1.05),
]
# Attack, norm, epsilon, rows, the peer's steps.
CHANCE = [("apgd-ce", "linf", 0.1, 300, 100), ("square", "linf", 0.1, 100, 1000)]

REASONS = {
    ("ART", "l2"): "clips before it projects",
    ("ART", "square"): "keeps the first stripes only if they help, and scales the schedule",
    ("ART", "apgd-ce"): "counts increases over the best loss and keeps the last iterate",
}


class Data:
    def __init__(self, folder, name):
        self.name = name
        self.folder = folder
        self.rows = np.load(folder / f"{name}.x.npy")
        self.labels = np.load(folder / f"{name}.y.npy")
        self.model = torch.load(folder / f"{name}.pt", weights_only=False).eval()
        self.logits = self.scores(self.rows)
        self.correct = self.logits.argmax(1) == self.labels
        self.peers = [Foolbox(self.model), Art(self.model, self.rows.shape[1:], self.logits.shape[1])]

    def scores(self, rows):
        with torch.no_grad():
            return self.model(torch.tensor(rows)).double().numpy()

    def losses(self, rows):
        scores = self.scores(rows)
        top = scores.max(1, keepdims=True)
        total = np.log(np.exp(scores - top).sum(1)) + top[:, 0]
        return total - scores[np.arange(len(rows)), self.labels[: len(rows)]]


def caiso(binary, data, attack, norm, eps, extra, rows=None):
    """The result of one evaluation and its adversarial rows."""
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "robustness", "evaluate", "--model", data.folder / f"{data.name}.onnx"]
        command += ["--inputs", data.folder / f"{data.name}.x.npy"]
        command += ["--labels", data.folder / f"{data.name}.y.npy", "--bounds", "0,1", "--attack", attack]
        command += ["--norm", norm, "--format", "json", "--quiet", "--save-adversarial", folder, *extra]
        command += [] if eps is None else ["--eps", str(eps)]
        command += [] if rows is None else ["--limit", str(rows)]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{attack} {norm} on {data.name}: {done.stderr}")
        result = json.loads(done.stdout)["results"][0]
        return result, np.load(result["adversarial"])


def distance(norm, rows, moved):
    change = np.abs((moved - rows).reshape(len(rows), -1).astype("float64"))
    if norm == "l0":
        return (change > 1e-6).sum(1).astype("float64")
    return {"linf": change.max(1), "l2": np.sqrt((change**2).sum(1)), "l1": change.sum(1)}[norm]


def median(data, norm, rows, moved):
    """Median distance over the rows that are decided correctly; one that stands is at infinity."""
    count = len(moved)
    found = data.scores(moved).argmax(1) != data.labels[:count]
    far = np.where(found, distance(norm, rows[:count], moved), np.inf)
    return float(np.median(far[data.correct[:count]]))


class Table:
    def __init__(self):
        self.failed = 0
        print("| model | attack | quantity | caiso | Foolbox | ART | agreement |")
        print("|---|---|---|---:|---:|---:|---|")

    def line(self, data, attack, quantity, ours, theirs, verdict, fine):
        self.failed += not fine
        cells = [f"{theirs[name]:.4f}" if name in theirs else "–" for name in ("Foolbox", "ART")]
        verdict = verdict if fine else f"**{verdict}**"
        print(f"| {data.name} | {attack} | {quantity} | {ours:.4f} | {' | '.join(cells)} | {verdict} |", flush=True)


def deterministic(binary, data, table):
    for attack, norms, steps, relative in DETERMINISTIC:
        for norm in norms:
            for eps in EPSILONS[norm]:
                extra = [] if attack == "fgsm" else ["--steps", steps, "--rel-step-size", relative]
                extra += ["--no-random-start"] if attack == "pgd" else []
                result, moved = caiso(binary, data, attack, norm, eps, extra)
                again = (data.scores(moved).argmax(1) == data.labels).mean()
                fine = abs(again - result["robust_accuracy"]) < 1e-9
                theirs, notes = {}, [] if fine else ["saved rows give another accuracy"]
                for peer in data.peers:
                    if peer.name == "ART" and norm == "l2" and attack == "bim":
                        continue
                    reason = REASONS.get((peer.name, norm))
                    other, _ = peer.attack(attack, norm, eps, steps, relative, data.rows, data.labels)
                    robust = (data.scores(other).argmax(1) == data.labels) & data.correct
                    theirs[peer.name] = robust.mean()
                    rows_apart = round(abs(robust.mean() - again) * len(data.labels))
                    apart = np.abs(data.losses(moved) - data.losses(other))[data.correct]
                    share = (apart <= LOSS).mean()
                    note = f"{peer.name} {rows_apart} rows, {share:.1%}"
                    agrees = rows_apart <= ONE_ROW and share >= 0.99
                    notes.append(note if agrees or not reason else f"{note} ({reason})")
                    fine &= agrees or reason is not None
                table.line(data, attack, f"robust accuracy, {norm} {eps}", again, theirs, "; ".join(notes), fine)


def nearest(binary, data, table):
    for attack, norm, count, extra, steps, allowed in NEAREST:
        _, moved = caiso(binary, data, attack, norm, None, extra, count)
        ours = median(data, norm, data.rows, moved)
        rows, labels = data.rows[:count], data.labels[:count]
        theirs = {}
        for peer in data.peers:
            try:
                other, _ = peer.attack(attack, norm, None, steps, None, rows, labels)
            except (KeyError, TypeError):
                continue  # That peer does not have it.
            theirs[peer.name] = median(data, norm, data.rows, other)
        best = min(theirs.values())
        fine = ours <= best * allowed
        table.line(data, attack, f"median {norm}, {len(rows)} rows", ours, theirs, f"{ours / best:.3f}, at most {allowed}", fine)


def chance(binary, data, table):
    for attack, norm, eps, count, steps in CHANCE:
        _, moved = caiso(binary, data, attack, norm, eps, [], count)
        correct = data.correct[:count]
        rate = lambda rows: ((data.scores(rows).argmax(1) == data.labels[:count]) & correct).mean()
        ours, theirs = rate(moved), {}
        for peer in data.peers:
            if peer.name != "ART" or (attack == "square" and data.rows.ndim == 2):
                continue
            other, _ = peer.attack(attack, norm, eps, steps, None, data.rows[:count], data.labels[:count])
            theirs[peer.name] = rate(other)
        if not theirs:
            continue  # No peer attacks tables by squares.
        best = min(theirs.values())
        slack = 3 * np.sqrt(max(best * (1 - best), 1 / count) / count)
        note = f"at most {slack:.3f} above (ART {REASONS['ART', attack]})"
        table.line(data, attack, f"robust accuracy, {norm} {eps}", ours, theirs, note, ours <= best + slack)


if __name__ == "__main__":
    binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    only = sys.argv[3:] or ["deterministic", "nearest", "chance"]
    table = Table()
    for name in MODELS:
        data = Data(folder, name)
        for part in only:
            {"deterministic": deterministic, "nearest": nearest, "chance": chance}[part](binary, data, table)
    print(f"\n{table.failed} rows outside their tolerance", file=sys.stderr)
    raise SystemExit(1 if table.failed else 0)
