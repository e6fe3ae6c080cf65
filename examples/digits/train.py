"""Train the example's model and write model/digits.onnx.

    python train.py

A small convolutional network (two convolutions, two dense layers) that reads a digit from an 8 x 8 image, trained the
way it is commonly done: nothing is done about robustness. One thread and fixed seeds: the same versions
(requirements.txt) on the same machine give the same file.
"""

from pathlib import Path

import onnx
import torch

from make_data import split

HERE = Path(__file__).parent
EPOCHS = 30
BATCH = 32
LEARNING_RATE = 2e-3
SEED = 1995


class Digits(torch.nn.Module):
    """Takes shades of 0 to 16, one logit for each digit."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 12, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(12, 24, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(24 * 4 * 4, 32),
            torch.nn.ReLU(),
            torch.nn.Linear(32, 10),
        )

    def forward(self, image):
        return self.layers(image / 16)


def tensors(images, digits):
    return torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(digits)


def train(images, digits):
    torch.manual_seed(SEED)
    model = Digits()
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(digits)).split(BATCH):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(images[rows]), digits[rows]).backward()
            optimiser.step()
    return model.eval()


def export(model, path):
    torch.onnx.export(
        model,
        (torch.zeros(1, 1, 8, 8),),
        path,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    training, test = split()
    model = train(*tensors(*training))
    (HERE / "model").mkdir(exist_ok=True)
    export(model, HERE / "model" / "digits.onnx")

    images, digits = tensors(*test)
    with torch.no_grad():
        right = model(images).argmax(1) == digits
    print(f"test rows   {len(digits)}")
    print(f"accuracy    {right.float().mean():.4f}   (always the most common digit: {digits.bincount().max() / len(digits):.4f})")


if __name__ == "__main__":
    main()
