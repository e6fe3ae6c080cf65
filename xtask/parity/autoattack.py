"""Trains the small models that the attacks are tested on, writes them and their rows, and attacks them with other tools.

    python xtask/parity/autoattack.py crates/caiso-robustness/tests/fixtures/autoattack

Needs torch, onnx, scikit-learn, torchattacks (3.5.1) and foolbox (3.3.4). Writes `digits_mlp.onnx`, `digits_cnn.onnx`, `cancer_mlp.onnx`, the rows
that they are attacked on as `digits.csv` and `cancer.csv` (label first, then inputs; the digits in sixteenths), and
`peers.json`: for each model, norm and epsilon the robust accuracy that each attack leaves, over five seeds (`mifgsm` is
Foolbox's, ten steps of a fifth of epsilon, without chance), and the median distance of what FAB finds.
"""

import json
import sys
import types

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn

for name in ("torchvision", "torchvision.transforms", "torchvision.models"):
    try:
        __import__(name)
    except ImportError:
        # torchattacks names it in an attack that is not used here.
        module = types.ModuleType(name)
        module.__getattr__ = lambda attribute: None
        sys.modules[name] = module

import foolbox  # noqa: E402
import torchattacks  # noqa: E402
from foolbox.attacks.mi_fgsm import LinfMomentumIterativeFastGradientMethod  # noqa: E402

ROWS = 200
SEEDS = 5
EPSILONS = {
    "digits_mlp": {"Linf": [0.03, 0.06, 0.1], "L2": [0.25, 0.5, 0.75]},
    "digits_cnn": {"Linf": [0.03, 0.06, 0.1], "L2": [0.25, 0.5, 0.75]},
    "cancer_mlp": {"Linf": [0.02, 0.04, 0.08], "L2": [0.1, 0.2, 0.3]},
}


def train(model, x, y):
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    for _ in range(150):
        for part in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[part]), y[part]).backward()
            optimiser.step()
    return model.eval()


def export(model, x, path):
    torch.onnx.export(
        model, (x[:2],), path, input_names=["input"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False, verbose=False,
    )


def digits():
    data = load_digits()
    x = torch.tensor(data.images / 16, dtype=torch.float32).unsqueeze(1)
    return x, torch.tensor(data.target)


def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    x = (x - x.min(0)) / (x.max(0) - x.min(0))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def split(x, y):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    test = order[:ROWS]
    rest = order[ROWS:]
    return (x[rest], y[rest]), (x[test], y[test])


def attacks(model, norm, epsilon, classes, seed, image):
    yield "apgd-ce", torchattacks.APGD(model, norm, epsilon, steps=100, seed=seed)
    if classes > 3:
        yield "apgd-dlr", torchattacks.APGD(model, norm, epsilon, steps=100, seed=seed, loss="dlr")
        yield "apgd-t", torchattacks.APGDT(
            model, norm, epsilon, steps=100, seed=seed, n_classes=classes)
    yield "fab", torchattacks.FAB(
        model, norm, epsilon, steps=100, seed=seed, multi_targeted=True, n_classes=classes)
    if image:
        yield "square", torchattacks.Square(
            model, norm, epsilon, n_queries=1000, seed=seed, p_init=0.8, resc_schedule=False)


class AsImage(nn.Module):
    """A table as images of one row."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x.flatten(1))


def main(folder):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    results, nearest = [], []
    models = {
        "digits_mlp": nn.Sequential(
            nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(),
            nn.Linear(32, 10)),
        "digits_cnn": nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)),
        "cancer_mlp": nn.Sequential(
            nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 2)),
    }
    for name, model in models.items():
        data = name.split("_")[0]
        x, y = digits() if data == "digits" else cancer()
        (train_x, train_y), (x, y) = split(x, y)
        train(model, train_x, train_y)
        export(model, x, f"{folder}/{name}.onnx")
        rows = x.flatten(1).numpy()
        with open(f"{folder}/{data}.csv", "w") as file:
            for row, label in zip(rows, y.tolist()):
                values = [f"{v * 16:.0f}" if data == "digits" else f"{v:.7f}" for v in row]
                file.write(",".join([str(label), *values]) + "\n")
        if data == "cancer":
            x = torch.tensor(np.round(rows, 7), dtype=torch.float32)
            x, model = x[:, None, None, :], AsImage(model)
        classes = int(y.max()) + 1
        clean = (model(x).argmax(1) == y).float().mean().item()
        print(name, "clean", clean, file=sys.stderr)
        for norm, epsilons in EPSILONS[name].items():
            for epsilon in epsilons:
                found = {}
                for seed in range(SEEDS):
                    for attack, run in attacks(model, norm, epsilon, classes, seed, data == "digits"):
                        with torch.enable_grad():
                            moved = run(x, y)
                        change = (moved - x).flatten(1)
                        size = change.abs().amax(1) if norm == "Linf" else change.norm(dim=1)
                        stands = (model(moved).argmax(1) == y) | (size > epsilon * (1 + 1e-5))
                        correct = model(x).argmax(1) == y
                        found.setdefault(attack, []).append(
                            round((stands & correct).float().mean().item(), 4))
                if norm == "Linf":
                    momentum = LinfMomentumIterativeFastGradientMethod(
                        momentum=1.0, rel_stepsize=0.2, steps=10, random_start=False)
                    peer = foolbox.PyTorchModel(model, bounds=(0, 1))
                    *_, fooled = momentum(peer, x, y, epsilons=epsilon)
                    found["mifgsm"] = [round(1 - fooled.float().mean().item(), 4)]
                print(name, norm, epsilon, found, file=sys.stderr)
                results.append({
                    "model": name, "norm": norm.lower(), "epsilon": epsilon, "rows": len(y),
                    "robust_accuracy": found,
                })
            fab = torchattacks.FAB(
                model, norm, 100.0, steps=100, seed=0, multi_targeted=True, n_classes=classes)
            correct = model(x).argmax(1) == y
            change = (fab(x, y) - x).flatten(1)[correct]
            size = change.abs().amax(1) if norm == "Linf" else change.norm(dim=1)
            nearest.append({
                "model": name, "norm": norm.lower(), "median_distance": size.median().item()})
            print(nearest[-1], file=sys.stderr)
    versions = {"torchattacks": torchattacks.__version__, "foolbox": foolbox.__version__}
    with open(f"{folder}/peers.json", "w") as file:
        json.dump({"versions": versions, "results": results, "nearest": nearest}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
