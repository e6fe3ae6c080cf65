"""Write data/test.csv from the digits that scikit-learn carries.

    python make_data.py

8 x 8 images with 17 shades, 0 (paper) to 16 (ink), one column a pixel in reading order. Two thirds are for training
(train.py takes the same split) and one third for the test; the test half keeps the order of the source.
"""

import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

SEED = 1995
TEST_ROWS = 599
HERE = Path(__file__).parent
PIXELS = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]


def split():
    """Images [n, 64] and digits [n], first those for training, then those for the test."""
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(digits))
    test, train = np.sort(order[:TEST_ROWS]), np.sort(order[TEST_ROWS:])
    return (images[train], digits[train]), (images[test], digits[test])


def main():
    _, (images, digits) = split()
    (HERE / "data").mkdir(exist_ok=True)
    with open(HERE / "data" / "test.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow([*PIXELS, "digit"])
        for image, digit in zip(images, digits):
            rows.writerow([*(int(value) for value in image), digit])


if __name__ == "__main__":
    main()
