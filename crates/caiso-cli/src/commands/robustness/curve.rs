//! `caiso robustness curve`.

use anyhow::{Result, bail, ensure};
use caiso_core::{Figure, Line};
use caiso_robustness::{CurvePoint, Over, Summary};
use serde::Serialize;
use serde_json::Value;

use super::evaluate::Runner;
use super::inputs::{File, Inputs};
use super::options::{Chosen, chosen};
use crate::arguments::{CurveArguments, Format, Global};
use crate::{exit, output};

/// What `curve` prints as JSON.
#[derive(Serialize)]
struct Curves {
    /// `eps` or a parameter of the attacks.
    over: String,
    clean_accuracy: f64,
    #[serde(rename = "curves")]
    lines: Vec<Curve>,
    files: Vec<File>,
    seed: u64,
    caiso_version: &'static str,
}

/// Robust accuracy of one attack over values.
#[derive(Serialize)]
struct Curve {
    attack: &'static str,
    norm: caiso_robustness::Norm,
    params: Value,
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    value: f64,
    robust_accuracy: f64,
    interval: [f64; 2],
    n: usize,
}

pub(crate) fn run(global: &Global, arguments: &CurveArguments) -> Result<u8> {
    if !matches!(global.format, Format::Text | Format::Json) {
        bail!("caiso robustness curve writes text or json");
    }
    let attacks = chosen(global, &arguments.attack)?;
    let inputs = Inputs::load(&arguments.attack)?;
    let runner = Runner::new(global, &arguments.attack, &inputs)?;
    let over = arguments.over.as_deref().unwrap_or("eps").replace('-', "_");
    let clean_accuracy = inputs.clean_accuracy()?;
    let mut curves = Vec::new();
    for chosen in &attacks {
        let points = if arguments.over.is_some() {
            over_parameter(&runner, chosen, arguments, &over)?
        } else {
            over_epsilon(&runner, chosen, &arguments.attack.eps)?
        };
        curves.push(Curve {
            attack: chosen.attack.meta.name,
            norm: chosen.norm,
            params: chosen.parameters.as_json().clone(),
            points: points.into_iter().map(point).collect(),
        });
    }
    let curves = Curves {
        over,
        clean_accuracy,
        lines: curves,
        files: inputs.files,
        seed: arguments.attack.seed,
        caiso_version: env!("CARGO_PKG_VERSION"),
    };
    if let Some(path) = &arguments.figure {
        output::write_file(path, caiso_figure::file(&figure(&curves)).as_bytes())?;
    }
    if global.format == Format::Json {
        output::print_json(&curves)?;
    } else {
        output::print(&text(&curves))?;
    }
    Ok(exit::PASS)
}

/// Over the epsilons given; 0, the accuracy without an attack, is always the first.
fn over_epsilon(
    runner: &Runner<'_>,
    chosen: &Chosen,
    epsilons: &[f64],
) -> Result<Vec<(f64, Summary)>> {
    ensure!(!epsilons.is_empty(), "give the radii to go over: --eps 0.05,0.1");
    let points = runner.curve(chosen, Over::Epsilons(epsilons), None)?;
    let of = |CurvePoint { value, attacked }: CurvePoint| {
        let epsilon = value.as_f64().unwrap_or_default();
        (epsilon, attacked.summary(chosen.norm, Some(epsilon)))
    };
    Ok(points.into_iter().map(of).collect())
}

fn over_parameter(
    runner: &Runner<'_>,
    chosen: &Chosen,
    arguments: &CurveArguments,
    name: &str,
) -> Result<Vec<(f64, Summary)>> {
    let eps = arguments.attack.eps.as_slice();
    ensure!(
        eps.len() <= 1,
        "a curve over a parameter is drawn at one epsilon, {} given",
        eps.len()
    );
    let epsilon = eps.first().copied();
    // A whole number stays one, since most parameters that count are integers.
    let json = |&value: &f64| {
        if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) }
    };
    let values: Vec<Value> = arguments.values.iter().map(json).collect();
    let points = runner.curve(chosen, Over::Parameter(name, &values), epsilon)?;
    let of =
        |(&value, point): (&f64, CurvePoint)| (value, point.attacked.summary(chosen.norm, epsilon));
    Ok(arguments.values.iter().zip(points).map(of).collect())
}

fn point((value, summary): (f64, Summary)) -> Point {
    Point {
        value,
        robust_accuracy: summary.robust_accuracy,
        interval: summary.interval,
        n: summary.n,
    }
}

fn figure(curves: &Curves) -> Figure {
    let line = |curve: &Curve| Line {
        name: format!("{} ({})", curve.attack, curve.norm),
        points: curve.points.iter().map(|point| (point.value, point.robust_accuracy)).collect(),
        band: curve.points.iter().map(|point| (point.interval[0], point.interval[1])).collect(),
    };
    let worst = curves.lines.iter().flat_map(|curve| &curve.points).map(|p| p.robust_accuracy);
    Figure::Curve {
        title: format!("Robust accuracy over {}", curves.over),
        alternative: format!(
            "Accuracy is {:.1} % without an attack and {:.1} % at the lowest point.",
            100.0 * curves.clean_accuracy,
            100.0 * worst.fold(f64::INFINITY, f64::min)
        ),
        x_label: curves.over.clone(),
        y_label: "robust accuracy".to_owned(),
        lines: curves.lines.iter().map(line).collect(),
        marks: Vec::new(),
    }
}

fn text(curves: &Curves) -> String {
    let mut text = format!("clean accuracy {:.4}\n", curves.clean_accuracy);
    for curve in &curves.lines {
        text += &format!(
            "\n{} ({})\n{:>10} {:>8}  95 % interval\n",
            curve.attack, curve.norm, curves.over, "robust"
        );
        for point in &curve.points {
            let [low, high] = point.interval;
            text += &format!(
                "{:>10} {:>8.4}  [{low:.4}, {high:.4}]\n",
                point.value, point.robust_accuracy
            );
        }
    }
    text
}
