"""Robust accuracy and speed of Foolbox's PGD (L-infinity) on an ONNX network, printed as JSON.

    pip install -r requirements-torch.txt
    python foolbox_pgd.py model.onnx rows.csv bounds.json --epsilon 0.05 --epsilon 0.1

rows.csv: numeric, the model's inputs in order, then the class index in a column `label`.
bounds.json: [[lower, upper], ...], one pair for each input. The attack works on the inputs scaled to [0, 1] by
these bounds, and epsilon is in that scale; every input may move. `cpu_seconds` covers the attack of all rows
(process time), not the start of Python.
"""

import argparse
import json
import time

import foolbox
import torch
from onnx_chain import Chain, read_rows


class Scaled(torch.nn.Module):
    def __init__(self, model, lower, upper):
        super().__init__()
        self.model, self.lower, self.range = model, lower, upper - lower

    def forward(self, scaled):
        return self.model(self.lower + scaled * self.range)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("rows")
    parser.add_argument("bounds")
    parser.add_argument("--epsilon", type=float, action="append", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--relative-step", type=float, default=0.1, help="step size as a share of epsilon")
    parser.add_argument("--random-start", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=1, help="attack the rows this many times over, for timing")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    rows, labels = read_rows(arguments.rows, torch.float32)
    with open(arguments.bounds) as file:
        bounds = torch.tensor(json.load(file), dtype=torch.float32)
    lower, upper = bounds[:, 0], bounds[:, 1]
    scaled = (rows - lower) / (upper - lower)
    outside = int(((scaled < 0) | (scaled > 1)).any(1).sum())
    scaled = scaled.clamp(0, 1)
    network = Scaled(Chain(arguments.model, torch.float32), lower, upper).eval()
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.LinfPGD(
        steps=arguments.steps, rel_stepsize=arguments.relative_step, random_start=arguments.random_start
    )

    with torch.no_grad():
        clean = (network(scaled).argmax(1) == labels).float().mean().item()
    attack(model, scaled[:8], labels[:8], epsilons=arguments.epsilon[0])  # first call: lazy set-up
    results = []
    for epsilon in arguments.epsilon:
        before = time.process_time()
        for _ in range(arguments.repeat):
            _, _, success = attack(model, scaled, labels, epsilons=epsilon)
        seconds = time.process_time() - before
        results.append(
            {
                "epsilon": epsilon,
                "robust_accuracy": 1 - success.float().mean().item(),
                "cpu_seconds": seconds,
                "rows_per_cpu_second": len(rows) * arguments.repeat / seconds,
            }
        )
    print(
        json.dumps(
            {
                "foolbox": foolbox.__version__,
                "torch": torch.__version__,
                "threads": arguments.threads,
                "rows": len(rows),
                "rows_outside_bounds": outside,
                "steps": arguments.steps,
                "clean_accuracy": clean,
                "attacks": results,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
