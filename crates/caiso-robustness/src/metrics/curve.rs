use caiso_core::RunContext;
use serde_json::{Map, Value};

use crate::attack::{Attack, Goal};
use crate::{Attacked, Problem, RobustnessError, Settings, run};

/// What a security-evaluation curve goes over.
#[derive(Clone, Copy, Debug)]
pub enum Over<'a> {
    /// How far the attacker may go.
    Epsilons(&'a [f64]),
    /// Values of a parameter of the attack.
    Parameter(&'a str, &'a [Value]),
}

/// A point of a curve.
#[derive(Clone, Debug)]
pub struct CurvePoint {
    /// Epsilon, or the value of the parameter.
    pub value: Value,
    /// What the attack did there.
    pub attacked: Attacked,
}

/// A security-evaluation curve: what an attack does as the attacker's strength grows (Biggio and Roli, Wild Patterns, Pattern
/// Recognition 2018, <https://doi.org/10.1016/j.patcog.2018.07.023>).
///
/// Over epsilons, 0 is always the first and they ascend. An attack for the nearest adversarial example runs once and answers
/// for all. Any other runs once for each; where it can, it starts from what it found at the epsilon before as well, and a row
/// that fell stays fallen, since its example lies within the larger ball too.
pub fn security_evaluation(
    attack: &Attack,
    parameters: &Map<String, Value>,
    over: Over<'_>,
    problem: &Problem<'_>,
    settings: &Settings,
    context: &RunContext,
) -> Result<Vec<CurvePoint>, RobustnessError> {
    let resolve = |parameters: &Map<String, Value>| {
        attack.parameters.resolve(parameters).map_err(|error| RobustnessError::Parameter {
            attack: attack.meta.name,
            reason: error.to_string(),
        })
    };
    match over {
        Over::Parameter(name, values) => {
            let point = |value: &Value| {
                let mut parameters = parameters.clone();
                parameters.insert(name.to_owned(), value.clone());
                let parameters = resolve(&parameters)?;
                let attacked = run(attack, &parameters, problem, settings, context, &|_| ())?;
                Ok(CurvePoint { value: value.clone(), attacked })
            };
            values.iter().map(point).collect()
        }
        Over::Epsilons(epsilons) => {
            let parameters = resolve(parameters)?;
            let mut epsilons: Vec<f64> = epsilons.to_vec();
            epsilons.push(0.0);
            epsilons.sort_by(f64::total_cmp);
            epsilons.dedup();
            let mut points: Vec<CurvePoint> = Vec::new();
            for epsilon in epsilons {
                let before = points.last().map(|point| &point.attacked);
                if let (Goal::Nearest, Some(before)) = (attack.goal, before) {
                    let attacked = before.clone();
                    points.push(CurvePoint { value: Value::from(epsilon), attacked });
                    continue;
                }
                let mut settings = settings.clone();
                settings.epsilons = vec![epsilon];
                settings.starts = before.map(|before| before.adversarial.clone());
                let mut attacked = run(attack, &parameters, problem, &settings, context, &|_| ())?;
                if let Some(before) = before {
                    keep_fallen(before, &mut attacked, problem.domain.width());
                }
                points.push(CurvePoint { value: Value::from(epsilon), attacked });
            }
            Ok(points)
        }
    }
}

/// Rows that fell before and stand now take their earlier example.
fn keep_fallen(before: &Attacked, now: &mut Attacked, width: usize) {
    for (i, (old, new)) in before.rows.iter().zip(&mut now.rows).enumerate() {
        if old.is_correct() && old.flipped.is_some() && new.flipped.is_none() {
            let queries = new.queries;
            *new = old.clone();
            new.queries = queries;
            let span = i * width..(i + 1) * width;
            now.adversarial[span.clone()].copy_from_slice(&before.adversarial[span]);
        }
    }
}
