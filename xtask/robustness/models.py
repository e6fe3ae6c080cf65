"""Writes the models that caiso and its peers attack: `models.py parity|speed FOLDER`.

Each model NAME becomes NAME.onnx and NAME.pt for PyTorch, or NAME.json for XGBoost, and the rows NAME.x.npy with their classes NAME.y.npy, scaled to [0, 1]. Everything is seeded.
"""

import pathlib
import sys
import warnings

import numpy as np
import torch
from sklearn import datasets
from torch import nn

warnings.filterwarnings("ignore")


def halves(name):
    """Training and test half of a data set of scikit-learn, each feature scaled to [0, 1]."""
    data = getattr(datasets, f"load_{name}")()
    rows = data.data.astype("float64")
    low, high = (0, 16) if name == "digits" else (rows.min(0), rows.max(0))
    rows = ((rows - low) / (high - low)).astype("float32")
    order = np.random.default_rng(0).permutation(len(rows))
    middle = len(rows) // 2
    return [(rows[part], data.target[part]) for part in (order[:middle], order[middle:])]


def dense(*widths):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def small_cnn(side, classes):
    """Two convolutions with pooling and a batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * (side // 4) ** 2, classes),
    )


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride > 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x):
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(y)) + self.shortcut(x))


def resnet(width, classes=10):
    """ResNet-18 in its layout for 32 x 32 pixels (He et al. 2016)."""
    layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    before = width
    for stage, after in enumerate([width, 2 * width, 4 * width, 8 * width]):
        for block in range(2):
            layers.append(Block(before, after, 2 if stage and not block else 1))
            before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def train(model, rows, labels, epochs, rate=1e-3):
    rows, labels = torch.tensor(rows), torch.tensor(labels)
    optimiser = torch.optim.Adam(model.parameters(), rate)
    model.train()
    for _ in range(epochs):
        for part in torch.randperm(len(rows)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(rows[part]), labels[part]).backward()
            optimiser.step()
    return model.eval()


def write(folder, name, model, rows, labels):
    """The model as ONNX and for PyTorch, with its rows."""
    batch = {0: "batch"}
    torch.onnx.export(
        model, torch.tensor(rows[:1]), str(folder / f"{name}.onnx"), dynamo=False, opset_version=17,
        input_names=["x"], output_names=["logits"], dynamic_axes={"x": batch, "logits": batch},
    )
    torch.save(model, folder / f"{name}.pt")
    np.save(folder / f"{name}.x.npy", rows)
    np.save(folder / f"{name}.y.npy", labels.astype("int64"))


def parity(folder):
    """Trained models on real data."""
    torch.manual_seed(0)
    (rows, labels), (test, truth) = halves("digits")
    write(folder, "digits-mlp", train(dense(64, 128, 64, 10), rows, labels, 40), test, truth)
    image = (-1, 1, 8, 8)
    model = train(small_cnn(8, 10), rows.reshape(image), labels, 40)
    write(folder, "digits-cnn", model, test.reshape(image), truth)
    (rows, labels), (test, truth) = halves("breast_cancer")
    write(folder, "cancer-mlp", train(dense(30, 32, 16, 2), rows, labels, 60), test, truth)
    write(folder, "cancer-linear", train(dense(30, 2), rows, labels, 200, 1e-2), test, truth)


def speed(folder):
    """The models that speed is measured on; their weights do not matter for that."""
    torch.manual_seed(0)
    (rows, labels), (test, truth) = halves("digits")
    write(folder, "mlp", train(dense(64, 128, 64, 10), rows, labels, 40), test[:64], truth[:64])
    noise = torch.rand(64, 3, 32, 32)
    image = torch.nn.functional.interpolate(torch.tensor(test[:64]).reshape(64, 1, 8, 8), size=28)
    model = small_cnn(28, 10)
    train(model, image.numpy(), truth[:64], 20)
    write(folder, "cnn", model, image.numpy(), truth[:64])
    (rows, labels), (table, classes) = halves("breast_cancer")
    import xgboost

    forest = xgboost.XGBClassifier(n_estimators=40, max_depth=4, random_state=0)
    forest.fit(rows, labels)
    forest.save_model(folder / "forest.json")
    np.save(folder / "forest.x.npy", table[:100])
    np.save(folder / "forest.y.npy", classes[:100].astype("int64"))
    for width in (32, 64):
        model = resnet(width)
        classes = np.arange(64) % 10
        train(model, noise.numpy(), classes, 1, 1e-4)
        with torch.no_grad():
            classes = model(noise).argmax(1).numpy()
        write(folder, f"resnet-w{width}", model, noise.numpy()[:32], classes[:32])


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    # By its name, so that what PyTorch saves can be loaded elsewhere.
    import models

    getattr(models, sys.argv[1])(folder)
