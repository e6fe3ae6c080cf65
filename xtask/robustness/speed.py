"""Attacks of caiso, Foolbox and ART and forward passes of onnxruntime, timed in turn: `speed.py SPEED MODELS`.

SPEED is the example of that name of caiso-robustness. All get the same models, rows, schedules and two threads; the figures
are CPU seconds, the least of several rounds. Foolbox and ART also compute the gradients of the weights.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import torch

from peers import Art, Foolbox, Single, timed

THREADS = 2
# Model, rows, rounds for PGD with 20 steps, target against Foolbox and ART.
GRADIENT = [("mlp", 64, 15, 4), ("cnn", 64, 7, 3), ("resnet-w32", 16, 2, 2), ("resnet-w64", 16, 1, 2)]
# Model, rows, rounds, largest ratio to onnxruntime that is asked for.
FORWARD = [("mlp", 64, 30, None), ("cnn", 64, 30, 1.0), ("resnet-w32", 32, 7, 1.2), ("resnet-w64", 16, 7, 1.2)]
# Attack, model, rows, peers' steps, own queries for each row, target per query.
QUERIES = [
    ("hopskipjump", "mlp", 10, 10, 5000, 10),
    ("hopskipjump", "cnn", 5, 5, 2000, 3),
    ("boundary", "mlp", 10, 500, 5000, 10),
    ("boundary", "cnn", 5, 200, 2000, 3),
    ("square", "cnn", 16, 300, 300, 3),
]


class Caiso:
    def __init__(self, program, folder):
        self.folder = folder
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True)

    def ask(self, model, rows, threads=THREADS, **job):
        kind = ".json" if (self.folder / f"{model}.json").exists() else ".onnx"
        files = {"model": model + kind, "inputs": f"{model}.x.npy", "labels": f"{model}.y.npy"}
        job |= {key: str(self.folder / name) for key, name in files.items()}
        self.process.stdin.write(json.dumps(job | {"limit": rows, "threads": threads}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Counted(torch.nn.Module):
    """Counts the rows that a model is asked for."""

    def __init__(self, model):
        super().__init__()
        self.model, self.rows = model, 0

    def forward(self, x):
        self.rows += len(x)
        return self.model(x)


def load(folder, name, rows):
    x = np.load(folder / f"{name}.x.npy")[:rows]
    y = np.load(folder / f"{name}.y.npy")[:rows]
    return torch.load(folder / f"{name}.pt", weights_only=False).eval(), x, y


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def ratio(theirs, ours, target):
    word = f"{theirs / ours:.2f}x"
    return word if target is None or theirs / ours >= target else f"**{word}**"


def gradient(caiso, folder):
    print("\n### PGD with 20 steps, L-infinity 0.1, from the row itself (CPU ms)\n")
    row("model", "rows", "caiso", "Foolbox", "ART", "to Foolbox", "to ART", "target")
    row(*["---"] * 8)
    for name, rows, rounds, target in GRADIENT:
        model, x, y = load(folder, name, rows)
        foolbox, art = Foolbox(model), Art(model, x.shape[1:], 10)
        job = {"attack": "bim", "norm": "linf", "eps": 0.1, "parameters": {"steps": 20, "relative_step_size": 0.1}}
        times = {"caiso": [], "foolbox": [], "art": []}
        for _ in range(rounds + 1):
            times["caiso"].append(min(caiso.ask(name, rows, **job)["cpu"] for _ in range(3)))
            times["foolbox"].append(foolbox.attack("pgd", "linf", 0.1, 20, 0.1, x, y)[1])
            times["art"].append(art.attack("pgd", "linf", 0.1, 20, 0.1, x, y)[1])
        ours, fb, other = (min(times[key][1:]) for key in ("caiso", "foolbox", "art"))
        cells = [f"{1e3 * value:.2f}" for value in (ours, fb, other)]
        row(name, rows, *cells, ratio(fb, ours, target), ratio(other, ours, target), f"{target}x")


def forward(caiso, folder):
    import onnxruntime

    print("\n### Forward passes, one thread (CPU ms)\n")
    row("model", "rows", "caiso", "onnxruntime", "PyTorch", "caiso / onnxruntime", "at most")
    row(*["---"] * 7)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    torch.set_num_threads(1)
    for name, rows, rounds, target in FORWARD:
        model, x, _ = load(folder, name, rows)
        session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options)
        batch = torch.tensor(x)
        times = {"caiso": [], "ort": [], "torch": []}
        with torch.no_grad():
            for _ in range(rounds + 1):
                times["caiso"].append(caiso.ask(name, rows, 1)["cpu"])
                times["ort"].append(timed(lambda: session.run(None, {"x": x}))[1])
                times["torch"].append(timed(lambda: model(batch))[1])
        ours, ort, other = (min(times[key][1:]) for key in ("caiso", "ort", "torch"))
        share = f"{ours / ort:.2f}"
        share = share if target is None or ours <= target * ort else f"**{share}**"
        row(name, rows, *(f"{1e3 * value:.3f}" for value in (ours, ort, other)), share, target or "–")
    torch.set_num_threads(THREADS)


def queries(caiso, folder):
    print("\n### Attacks on scores or decisions, for each query (CPU µs)\n")
    row("attack", "model", "caiso", "Foolbox", "ART", "to Foolbox", "to ART", "target")
    row(*["---"] * 8)
    for attack, name, rows, steps, limit, target in QUERIES:
        model, x, y = load(folder, name, rows)
        eps = {"eps": 0.05} if attack == "square" else {}
        norm = "linf" if attack == "square" else "l2"
        answer = min(
            (caiso.ask(name, rows, attack=attack, norm=norm, queries=limit, **eps) for _ in range(2)),
            key=lambda answer: answer["cpu"],
        )
        ours = answer["cpu"] / answer["queries"]
        cells, ratios = [], []
        for make in (lambda m: Foolbox(m), lambda m: Art(m, x.shape[1:], 10)):
            counted = Counted(model).eval()
            try:
                _, seconds = make(counted).attack(attack, norm, eps.get("eps"), steps, None, x, y)
            except (KeyError, TypeError):
                cells.append("–"), ratios.append("–")
                continue
            each = seconds / counted.rows
            cells.append(f"{1e6 * each:.2f}"), ratios.append(ratio(each, ours, target))
        row(attack, name, f"{1e6 * ours:.2f}", *cells, *ratios, f"{target}x")


def ensemble(caiso, folder):
    import torchattacks

    print("\n### AutoAttack, standard version, L-infinity (CPU ms)\n")
    row("model", "rows", "caiso", "torchattacks", "robust, caiso", "robust, torchattacks", "ratio", "target")
    row(*["---"] * 8)
    for name, rows, eps in (("mlp", 64, 0.1), ("cnn", 8, 0.03)):
        model, x, y = load(folder, name, rows)
        # torchattacks takes images only.
        image = x if x.ndim == 4 else x.reshape(-1, 1, 8, 8)
        net = Single(torch.nn.Sequential(torch.nn.Flatten(), model) if x.ndim == 2 else model).eval()
        attack = torchattacks.AutoAttack(net, norm="Linf", eps=eps, n_classes=10, seed=0)
        labels = torch.tensor(y)
        moved, seconds = timed(lambda: attack(torch.tensor(image), labels))
        with torch.no_grad():
            robust = (net(moved).argmax(1) == labels).float().mean().item()
        ours = caiso.ask(name, rows, attack="autoattack", norm="linf", eps=eps)
        mine = ours["summary"]["robust_accuracy"]
        cells = [f"{1e3 * ours['cpu']:.1f}", f"{1e3 * seconds:.1f}", f"{mine:.3f}", f"{robust:.3f}"]
        row(name, rows, *cells, ratio(seconds, ours["cpu"], 3), "3x")


def trees(caiso, folder):
    from art.attacks.evasion import HopSkipJump, ZooAttack
    from art.estimators.classification import XGBoostClassifier

    import xgboost

    print("\n### Attacks on 40 trees of XGBoost (CPU ms for each row)\n")
    row("attack", "norm", "caiso", "median", "ART's attack", "ART", "median", "ratio", "target")
    row(*["---"] * 9)
    forest = xgboost.XGBClassifier()
    forest.load_model(folder / "forest.json")
    x, y = (np.load(folder / f"forest.{part}.npy") for part in "xy")
    estimator = XGBoostClassifier(forest, clip_values=(0.0, 1.0), nb_features=x.shape[1], nb_classes=2)
    right = np.flatnonzero(forest.predict(x) == y)[:10]
    for attack, norm, theirs in (
        ("tree-min", "linf", HopSkipJump(estimator, norm=np.inf, max_iter=10, verbose=False)),
        ("tree-min", "l2", HopSkipJump(estimator, norm=2, max_iter=10, verbose=False)),
        ("zoo", "l2", ZooAttack(estimator, max_iter=20, verbose=False, nb_parallel=10)),
    ):
        # As many queries as ART's makes: 20 rounds of 10 features on both sides.
        limit = {"queries": 400} if attack == "zoo" else {}
        ours = caiso.ask("forest", len(x), attack=attack, norm=norm, **limit)
        one_hot = np.eye(2)[y[right]]
        moved, seconds = timed(lambda: theirs.generate(x[right], y=one_hot))
        flipped = forest.predict(moved) != y[right]
        change = np.abs(moved - x[right])
        far = change.max(1) if norm == "linf" else np.sqrt((change**2).sum(1))
        median = np.median(np.where(flipped, far, np.inf))
        each, other = ours["cpu"] / len(x), seconds / len(right)
        mine = ours["summary"][f"median_{norm}"]
        cells = [f"{1e3 * each:.3f}", f"{mine:.4f}", type(theirs).__name__, f"{1e3 * other:.1f}", f"{median:.4f}"]
        row(attack, norm, *cells, ratio(other, each, 10), "10x")


PARTS = {"gradient": gradient, "forward": forward, "queries": queries, "ensemble": ensemble, "trees": trees}

if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    folder = pathlib.Path(sys.argv[2])
    caiso = Caiso(sys.argv[1], folder)
    for part in sys.argv[3:] or PARTS:
        PARTS[part](caiso, folder)
