"""Train the example's model on data/train.csv and write model/mortgage.onnx.

    python train.py

A small network (12 - 32 - 16 - 2) that refuses or grants a mortgage application, trained the way it is
commonly done: the applicant's race is left out of the inputs and nothing else is done about fairness.
One thread and fixed seeds: the same versions (requirements.txt) on the same machine give the same file.
"""

import csv
from pathlib import Path

import onnx
import torch

HERE = Path(__file__).parent
FEATURES = [
    "pirat", "hirat", "lvrat", "chist", "mhist", "phist",
    "unemp", "selfemp", "insurance", "condomin", "single", "hschool",
]  # fmt: skip
CLASSES = ["no", "yes"]  # of the column deny, in the order of the logits
CODES = {"no": 0.0, "yes": 1.0}
# A loan that should have been refused costs the lender more than a refused good one.
CLASS_WEIGHTS = [1.0, 2.0]
EPOCHS = 80
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
SEED = 1990


class Mortgage(torch.nn.Module):
    """Standardises raw features, then two hidden layers, then one logit for each class."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(len(FEATURES), 32),
            torch.nn.ReLU(),
            torch.nn.Linear(32, 16),
            torch.nn.ReLU(),
            torch.nn.Linear(16, len(CLASSES)),
        )

    def forward(self, features):
        return self.layers((features - self.mean) / self.std)


def load(path):
    """Feature matrix [n, 12] and labels [n]; yes/no columns become 1/0, the others stay numbers."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    features = [[CODES[row[name]] if row[name] in CODES else float(row[name]) for name in FEATURES] for row in rows]
    return torch.tensor(features), torch.tensor([CLASSES.index(row["deny"]) for row in rows])


def train(features, labels):
    torch.manual_seed(SEED)
    model = Mortgage(features.mean(0), features.std(0))
    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor(CLASS_WEIGHTS))
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(EPOCHS):
        optimiser.zero_grad()
        loss(model(features), labels).backward()
        optimiser.step()
    return model.eval()


def export(model, path):
    torch.onnx.export(
        model,
        (torch.zeros(1, len(FEATURES)),),
        path,
        input_names=["features"],
        output_names=["logits"],
        dynamic_axes={"features": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model = train(*load(HERE / "data" / "train.csv"))
    (HERE / "model").mkdir(exist_ok=True)
    export(model, HERE / "model" / "mortgage.onnx")

    features, labels = load(HERE / "data" / "test.csv")
    with torch.no_grad():
        denied = model(features).argmax(1)
    right = denied == labels
    print(f"test rows            {len(labels)}")
    print(f"accuracy             {right.float().mean():.4f}   (always grant: {(labels == 0).float().mean():.4f})")
    recalls = [right[labels == label].float().mean() for label in (0, 1)]
    print(f"balanced accuracy    {sum(recalls) / 2:.4f}   (any constant: 0.5)")
    print(f"share denied         {denied.float().mean():.4f}   (in the data: {labels.float().mean():.4f})")


if __name__ == "__main__":
    main()
