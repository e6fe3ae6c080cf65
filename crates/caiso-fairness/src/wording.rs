//! Words and small measurements that the checks share.

use caiso_core::{Direction, Measurement, Value};
use caiso_math::wilson;

use crate::cube::{Counts, Rate};
use crate::metrics::share;
use crate::{Attribute, FairnessInput};

/// A group of people and its counts.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Labels of its measurements: `attribute` = `afam`, `group` = `yes`.
    pub(crate) of: Vec<(&'static str, String)>,
    /// In the manifest's words: `afam = yes`.
    pub(crate) part: String,
    /// For people: `African American = yes`.
    pub(crate) title: String,
    pub(crate) counts: Counts,
}

/// The value of a group for people.
pub(crate) fn value_name(value: &str) -> &str {
    if value.is_empty() { "(missing)" } else { value }
}

/// The union of some values of an attribute.
pub(crate) fn group_of(
    attribute: &Attribute,
    counts: &[Counts],
    chosen: impl Fn(usize) -> bool,
) -> Group {
    let chosen: Vec<usize> = (0..counts.len()).filter(|&value| chosen(value)).collect();
    let names: Vec<&str> = chosen.iter().map(|&v| value_name(&attribute.values[v])).collect();
    let name = names.join(" or ");
    Group {
        of: vec![("attribute", attribute.name.clone()), ("group", name.clone())],
        part: format!("{} = {name}", attribute.name),
        title: format!("{} = {name}", attribute.title),
        counts: chosen.iter().map(|&value| counts[value]).sum(),
    }
}

pub(crate) fn labelled(mut measurement: Measurement, of: &[(&str, String)]) -> Measurement {
    for (key, value) in of {
        measurement = measurement.of(key, value.clone());
    }
    measurement
}

/// A rate of a group with its Wilson interval, or why it has none.
pub(crate) fn rate(name: &str, group: &Group, rate: Rate, level: f64, empty: &str) -> Measurement {
    let direction =
        if name == "accuracy" { Direction::HigherIsBetter } else { Direction::Informative };
    let value = share(rate).map_or_else(
        || Value::Undefined(format!("no row with {} {empty}", group.part)),
        Value::Known,
    );
    let mut measurement =
        labelled(Measurement::new(name, value, "ratio", direction, rate.1), &group.of);
    if rate.1 > 0 {
        let interval = wilson(rate.0, rate.1, level);
        measurement = measurement.with_interval(interval.low, interval.high, level, "wilson");
    }
    measurement
}

/// Size and rates of a group.
pub(crate) fn rates_of(group: &Group, level: f64) -> Vec<Measurement> {
    let counts = &group.counts;
    let n = counts.n();
    let size = Measurement::new("group_size", n as f64, "rows", Direction::Informative, n);
    let favourable = "is truly favourable";
    let unfavourable = "is truly unfavourable";
    vec![
        labelled(size, &group.of),
        rate("base_rate", group, counts.base_rate(), level, "exists"),
        rate("selection_rate", group, counts.selection_rate(), level, "exists"),
        rate("true_positive_rate", group, counts.true_positive_rate(), level, favourable),
        rate("false_positive_rate", group, counts.false_positive_rate(), level, unfavourable),
        rate("accuracy", group, counts.accuracy(), level, "exists"),
    ]
}

/// The counts behind everything said of a group, so that others can recompute it.
pub(crate) fn counts_fact(group: &Group) -> (String, String) {
    let [tp, fne, fp, tn] = group.counts.cells();
    (
        format!("counts of {}", group.part),
        format!(
            "true positive {tp}, false negative {fne}, false positive {fp}, true negative {tn}"
        ),
    )
}

/// What "favourable" means here, for facts.
pub(crate) fn favourable_fact(input: &FairnessInput) -> (String, String) {
    ("favourable outcome".to_owned(), input.favourable.clone())
}

/// `17.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `1 group`, `2 groups`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
