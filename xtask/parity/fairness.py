"""Group fairness of a predictions file as AIF360 and fairlearn count it, printed as JSON.

    pip install -r requirements-fairness.txt
    python fairness.py predictions.csv --favourable no --protected afam=no --protected single=no

The file has one column for each protected attribute, the true label (--label, default y) and the prediction
(--prediction, default yhat). --protected NAME=PRIVILEGED names an attribute and its privileged value; every
other value is unprivileged. All differences are unprivileged minus privileged, ratios unprivileged over
privileged; fairlearn's own differences and ratios are unsigned (largest minus smallest, smallest over largest).
"""

import argparse
import json
import logging

logging.disable(logging.WARNING)  # AIF360 warns about each optional extra that is absent

import pandas as pd
from aif360.datasets import BinaryLabelDataset
from aif360.metrics import ClassificationMetric
from fairlearn import metrics as fairlearn


def with_aif360(frame, attribute):
    def dataset(column):
        return BinaryLabelDataset(
            favorable_label=1,
            unfavorable_label=0,
            df=frame[[attribute, column]].rename(columns={column: "label"}),
            label_names=["label"],
            protected_attribute_names=[attribute],
        )

    metric = ClassificationMetric(
        dataset("y"), dataset("yhat"), unprivileged_groups=[{attribute: 0}], privileged_groups=[{attribute: 1}]
    )
    return {
        "selection_rate": {
            "unprivileged": metric.selection_rate(privileged=False),
            "privileged": metric.selection_rate(privileged=True),
        },
        "true_positive_rate": {
            "unprivileged": metric.true_positive_rate(privileged=False),
            "privileged": metric.true_positive_rate(privileged=True),
        },
        "false_positive_rate": {
            "unprivileged": metric.false_positive_rate(privileged=False),
            "privileged": metric.false_positive_rate(privileged=True),
        },
        "statistical_parity_difference": metric.statistical_parity_difference(),
        "disparate_impact": metric.disparate_impact(),
        "equal_opportunity_difference": metric.equal_opportunity_difference(),
        "average_abs_odds_difference": metric.average_abs_odds_difference(),
    }


def with_fairlearn(frame, attribute):
    truth, predicted, group = frame["y"], frame["yhat"], frame[attribute]

    def by_group(metric):
        rates = fairlearn.MetricFrame(metrics=metric, y_true=truth, y_pred=predicted, sensitive_features=group).by_group
        return {"unprivileged": float(rates[0]), "privileged": float(rates[1])}

    selection = by_group(fairlearn.selection_rate)
    true_positive = by_group(fairlearn.true_positive_rate)
    false_positive = by_group(fairlearn.false_positive_rate)

    def difference(rates):
        return rates["unprivileged"] - rates["privileged"]

    arguments = {"y_true": truth, "y_pred": predicted, "sensitive_features": group}
    return {
        "selection_rate": selection,
        "true_positive_rate": true_positive,
        "false_positive_rate": false_positive,
        "statistical_parity_difference": difference(selection),
        "disparate_impact": selection["unprivileged"] / selection["privileged"],
        "equal_opportunity_difference": difference(true_positive),
        "average_abs_odds_difference": (abs(difference(true_positive)) + abs(difference(false_positive))) / 2,
        "demographic_parity_difference": fairlearn.demographic_parity_difference(**arguments),
        "demographic_parity_ratio": fairlearn.demographic_parity_ratio(**arguments),
        "equalized_odds_difference": fairlearn.equalized_odds_difference(**arguments),
        "equal_opportunity_difference_unsigned": fairlearn.equal_opportunity_difference(**arguments),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions")
    parser.add_argument("--label", default="y")
    parser.add_argument("--prediction", default="yhat")
    parser.add_argument("--favourable", required=True)
    parser.add_argument("--protected", action="append", required=True, metavar="NAME=PRIVILEGED")
    arguments = parser.parse_args()

    table = pd.read_csv(arguments.predictions, dtype=str, keep_default_na=False)
    frame = pd.DataFrame(
        {
            "y": (table[arguments.label] == arguments.favourable).astype(int),
            "yhat": (table[arguments.prediction] == arguments.favourable).astype(int),
        }
    )
    report = {"rows": len(frame), "attributes": {}}
    for protected in arguments.protected:
        attribute, privileged = protected.split("=", 1)
        frame[attribute] = (table[attribute] == privileged).astype(int)
        report["attributes"][attribute] = {
            "privileged": privileged,
            "n": {"unprivileged": int((frame[attribute] == 0).sum()), "privileged": int(frame[attribute].sum())},
            "aif360": with_aif360(frame, attribute),
            "fairlearn": with_fairlearn(frame, attribute),
        }
    print(json.dumps(report, indent=2, default=float))


if __name__ == "__main__":
    main()
