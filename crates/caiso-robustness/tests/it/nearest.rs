//! Attacks for the nearest adversarial example against linear models, of which the distance is known exactly.

use caiso_robustness::{Attacked, Domain, FeatureDomain, Norm, Settings};
use serde_json::{Value, json};

use crate::models::{self, Network, attack, linear};

/// A change of a feature: how far it may go, and by how much the margin falls for each unit of it.
type Change = (f64, f64);

/// The smallest norm of changes that make up a margin; infinite if all of them do not.
pub(crate) fn exact_distance(norm: Norm, margin: f64, changes: &[Change]) -> f64 {
    let total: f64 = changes.iter().map(|(room, slope)| room * slope).sum();
    if total < margin {
        return f64::INFINITY;
    }
    let reached = |size: f64| -> f64 {
        // Under L2 a feature moves in proportion to its slope until it meets its bound, under L-infinity as far as it may.
        let moved = |&(room, slope): &Change| match norm {
            Norm::L2 => room.min(size * slope),
            _ => room.min(size),
        };
        changes.iter().map(|change| moved(change) * change.1).sum()
    };
    match norm {
        Norm::L1 | Norm::L0 => {
            // The steepest first; L0 by what a feature can do as a whole.
            let mut order = changes.to_vec();
            let value =
                |&(room, slope): &Change| if norm == Norm::L1 { slope } else { room * slope };
            order.sort_by(|a, b| value(b).total_cmp(&value(a)));
            let (mut rest, mut distance) = (margin, 0.0);
            for (room, slope) in order {
                if rest <= 0.0 {
                    break;
                }
                distance += match norm {
                    Norm::L0 => 1.0,
                    _ => room.min(rest / slope),
                };
                rest -= room * slope;
            }
            distance
        }
        Norm::L2 | Norm::Linf => {
            let (mut low, mut high) = (0.0, 1.0);
            while reached(high) < margin {
                high *= 2.0;
            }
            for _ in 0..100 {
                let middle = f64::midpoint(low, high);
                *(if reached(middle) < margin { &mut low } else { &mut high }) = middle;
            }
            let moved = changes.iter().map(|&(room, slope)| match norm {
                Norm::L2 => room.min(high * slope).powi(2),
                _ => 0.0,
            });
            if norm == Norm::L2 { moved.sum::<f64>().sqrt() } else { high }
        }
    }
}

/// The exact distance of each row of a linear model of two or more classes, in units of distance.
pub(crate) fn exact(
    model: &Network,
    domain: &Domain,
    rows: &[f32],
    labels: &[usize],
    norm: Norm,
) -> Vec<f64> {
    let layer = &model.layers[0];
    let distance = |row: &[f32], label: usize, rival: usize| {
        let weight = |class: usize, j: usize| f64::from(layer.weight(class, j));
        let logit = |class: usize| {
            let terms = row.iter().enumerate().map(|(j, &x)| weight(class, j) * f64::from(x));
            terms.sum::<f64>() + f64::from(layer.bias[class])
        };
        let changes: Vec<Change> = domain
            .features()
            .iter()
            .enumerate()
            .filter(|(_, feature)| feature.is_free())
            .map(|(j, feature)| {
                let slope = weight(label, j) - weight(rival, j);
                let x = f64::from(row[j]);
                let room = if slope > 0.0 { x - feature.lower } else { feature.upper - x };
                (room / feature.scale, slope.abs() * feature.scale)
            })
            .collect();
        exact_distance(norm, logit(label) - logit(rival), &changes)
    };
    rows.chunks(domain.width())
        .zip(labels)
        .map(|(row, &label)| {
            let rivals = (0..layer.bias.len()).filter(|&rival| rival != label);
            rivals.map(|rival| distance(row, label, rival)).fold(f64::INFINITY, f64::min)
        })
        .collect()
}

/// Three classes over features of different scales, one of which may not move.
pub(crate) fn case() -> (Network, Domain, Vec<f32>, Vec<usize>) {
    let domain = Domain::new(vec![
        FeatureDomain::continuous("income", 0.0, 3.0),
        FeatureDomain::continuous("value", -2.0, 2.0),
        FeatureDomain { immutable: true, ..FeatureDomain::continuous("age", 0.0, 100.0) },
        FeatureDomain::continuous("loans", 0.0, 10.0),
        FeatureDomain::continuous("ratio", 0.0, 1.0),
    ])
    .unwrap();
    let model = linear(
        &[
            &[0.9, -0.4, 0.01, 0.2, 0.5],
            &[-0.3, 0.5, -0.02, -0.1, -0.7],
            &[0.1, 0.3, 0.0, 0.05, 1.5],
        ],
        &[-1.3, 0.9, -0.4],
    );
    let (rows, labels) = models::rows(&domain, &model, 120, 11);
    (model, domain, rows, labels)
}

/// Runs an attack and checks every figure against the exact distance: never below it, and not above `tolerance` times it on
/// average nor `worst` times it on any row.
fn check(name: &str, parameters: &Value, norm: Norm, tolerance: f64, worst: f64) {
    let (model, domain, rows, labels) = case();
    let loaded = model.load();
    let data = (rows.as_slice(), labels.as_slice());
    let settings = Settings::new(norm, None);
    let attacked: Attacked = attack(name, parameters, &loaded, &domain, data, &settings);
    let exact = exact(&model, &domain, &rows, &labels, norm);
    let mut ratios = Vec::new();
    for (i, (row, &least)) in attacked.rows.iter().zip(&exact).enumerate() {
        let point = &attacked.adversarial[i * domain.width()..][..domain.width()];
        let own = &rows[i * domain.width()..][..domain.width()];
        assert!(domain.is_valid(own, 1.0, point), "{name}, {norm}, row {i}: {point:?}");
        assert_eq!(row.flipped.is_some(), least.is_finite(), "{name}, {norm}, row {i}: {least}");
        if row.flipped.is_some() {
            let distance = row.distances.in_norm(norm);
            // What rounding to f32 does to margins and points.
            assert!(
                distance >= least * (1.0 - 1e-3) - 1e-5,
                "{name}, {norm}, row {i}: {distance} < {least}"
            );
            if least > 1e-3 {
                ratios.push(distance / least);
            }
        }
    }
    assert!(ratios.len() > 80);
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let most = ratios.iter().copied().fold(0.0, f64::max);
    assert!(mean <= tolerance && most <= worst, "{name}, {norm}: mean {mean}, most {most}");
}

#[test]
fn deepfool_finds_the_nearest_boundary() {
    check("deepfool", &json!({}), Norm::L2, 1.03, 2.0);
    check("deepfool", &json!({}), Norm::Linf, 1.05, 2.0);
}

#[test]
fn ddn_finds_the_exact_distance() {
    check("ddn", &json!({}), Norm::L2, 1.02, 2.0);
}

#[test]
fn fmn_finds_the_exact_distance_in_every_norm() {
    check("fmn", &json!({}), Norm::L2, 1.02, 2.0);
    check("fmn", &json!({}), Norm::Linf, 1.05, 2.0);
    check("fmn", &json!({}), Norm::L1, 1.02, 2.0);
    check("fmn", &json!({}), Norm::L0, 1.02, 2.0);
}

#[test]
fn cw_finds_the_exact_distance() {
    check("cw", &json!({"steps": 200}), Norm::L2, 1.02, 2.0);
    check("cw", &json!({"steps": 200, "step_size": 0.05}), Norm::Linf, 1.10, 2.0);
    check("cw", &json!({"steps": 100, "step_size": 0.05}), Norm::L0, 1.05, 2.0);
}

#[test]
fn ead_finds_the_exact_distance() {
    check("ead", &json!({"steps": 200}), Norm::L1, 1.05, 2.0);
}

#[test]
fn jsma_changes_as_few_features_as_need_be() {
    check("jsma", &json!({}), Norm::L0, 1.2, 2.0);
    check("jsma", &json!({"pairs": false}), Norm::L0, 1.2, 2.0);
}
