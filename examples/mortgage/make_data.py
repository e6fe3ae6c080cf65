"""Write data/train.csv and data/test.csv from the Boston HMDA data of the R package AER.

    python make_data.py HMDA.rda

HMDA.rda lies in the folder data/ of the package (CRAN, or Debian's r-cran-aer); R itself is not needed.
The split is a seeded half and half; both files keep the order of the source. No row is dropped, no value corrected.
"""

import sys
from pathlib import Path

import numpy as np
import rdata

SEED = 1990
HERE = Path(__file__).parent


def main():
    table = rdata.read_rda(sys.argv[1])["HMDA"]
    assert table.shape == (2380, 14), table.shape
    for name in table.columns:
        if table[name].dtype.kind == "f":
            # The source held single precision, widened later (0.221 became 0.22100000381469725):
            # seven significant digits are what it knew.
            table[name] = [f"{value:.7g}" for value in table[name]]
        else:
            table[name] = table[name].astype(str)
    assert not table.isna().any().any()

    order = np.random.default_rng(SEED).permutation(len(table))
    half = len(table) // 2
    for name, rows in (("train", order[:half]), ("test", order[half:])):
        table.iloc[np.sort(rows)].to_csv(HERE / "data" / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
