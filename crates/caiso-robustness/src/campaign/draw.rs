//! Parameters drawn around an attack's defaults.

use caiso_core::{ParameterSet, Parameters};
use caiso_math::Stream;
use serde_json::{Map, Value};

/// A number is drawn between a quarter and four times its default.
const FACTOR: f64 = 4.0;

/// `count` different sets of parameters, the defaults first; fewer if there are not that many.
///
/// Every number above zero is drawn log-uniformly around its default, within its range; everything else stays.
pub(super) fn configurations(
    set: &ParameterSet,
    code: &str,
    seed: u64,
    count: u32,
) -> Vec<Parameters> {
    let mut drawn: Vec<Parameters> = set.resolve(&Map::new()).into_iter().collect();
    let properties = set.properties();
    for place in 1..count {
        let mut stream = Stream::new(seed, code, u64::MAX - 1).lane(place);
        let values: Map<String, Value> = properties
            .iter()
            .filter_map(|(name, schema)| Some((name.clone(), around(schema, &mut stream)?)))
            .collect();
        // A draw that the attack itself refuses is no candidate.
        if let Ok(parameters) = set.resolve(&values)
            && !drawn.contains(&parameters)
        {
            drawn.push(parameters);
        }
    }
    drawn
}

fn around(schema: &Value, stream: &mut Stream) -> Option<Value> {
    let default = schema.get("default")?.as_f64().filter(|default| *default > 0.0)?;
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let low = (default / FACTOR).max(bound("minimum").unwrap_or(0.0));
    let high = (default * FACTOR).min(bound("maximum").unwrap_or(f64::INFINITY));
    let value = low * libm::pow(high / low, stream.next_f64());
    match schema.get("type")?.as_str()? {
        // Above zero, and at most four times a default.
        "integer" => Some((value.round().max(1.0) as u64).into()),
        "number" => {
            // Three digits are enough to choose by and short enough to read.
            let digits = (2 - libm::floor(libm::log10(value)) as i32).max(0);
            let short: f64 = format!("{value:.*}", digits as usize).parse().ok()?;
            Some(short.clamp(low, high).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Some_ {
        #[schemars(range(min = 15, max = 60))]
        steps: u32,
        rate: f64,
        size: Option<f64>,
        random: bool,
    }

    impl Default for Some_ {
        fn default() -> Self {
            Self { steps: 20, rate: 0.5, size: None, random: true }
        }
    }

    #[test]
    fn draws_lie_around_the_defaults_within_their_ranges_and_differ() {
        let set = ParameterSet::of::<Some_>();
        let drawn = configurations(&set, "RB-TEST-001", 1, 30);
        assert!(drawn.len() > 20, "{}", drawn.len());
        assert_eq!(drawn[0].read::<Some_>().steps, 20);
        for (place, parameters) in drawn.iter().enumerate() {
            let values: Some_ = parameters.read();
            assert!((15..=60).contains(&values.steps), "{}", values.steps);
            assert!((0.125..=2.0).contains(&values.rate), "{}", values.rate);
            assert!(values.size.is_none() && values.random);
            assert!(!drawn[..place].contains(parameters));
        }
        assert_eq!(drawn, configurations(&set, "RB-TEST-001", 1, 30));
        assert_ne!(drawn, configurations(&set, "RB-TEST-001", 2, 30));
    }

    #[test]
    fn what_has_nothing_to_draw_has_one_configuration() {
        assert_eq!(configurations(&ParameterSet::NONE, "RB-TEST-001", 1, 30).len(), 1);
    }
}
