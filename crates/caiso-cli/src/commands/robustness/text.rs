//! Results for people.

use super::evaluate::{AttackResult, Evaluation};

/// A table with one line for each attack and epsilon.
pub(super) fn evaluation(evaluation: &Evaluation) -> String {
    let mut text = format!("clean accuracy {:.4}\n\n", evaluation.clean_accuracy);
    text += &format!(
        "{:<14} {:<5} {:>9} {:>8} {:>17} {:>8} {:>9} {:>9} {:>6} {:>11} {:>9}\n",
        "attack",
        "norm",
        "eps",
        "robust",
        "95 % interval",
        "success",
        "median",
        "linf",
        "l0",
        "queries",
        "CPU s"
    );
    for result in &evaluation.results {
        text += &line(result);
    }
    for doubt in &evaluation.doubts {
        text += &format!("doubt: {doubt}\n");
    }
    if let Some(metrics) = &evaluation.metrics {
        let empirical = metrics.empirical_robustness;
        let empirical = empirical.map_or_else(|| "undefined".to_owned(), |v| format!("{v:.4}"));
        let gradients = &metrics.gradients;
        text += &format!(
            "\nempirical robustness {empirical} ({} rows fooled) · loss sensitivity {:.4}\ngradients of {} correct rows: {} \
             zero, {} not finite, {} along which the loss does not rise\n",
            metrics.empirical_robustness_fooled,
            metrics.loss_sensitivity,
            gradients.rows,
            gradients.without_gradient,
            gradients.not_finite,
            gradients.not_rising,
        );
    }
    text
}

fn line(result: &AttackResult) -> String {
    let summary = &result.summary;
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    let median = match result.norm {
        caiso_robustness::Norm::Linf => summary.median_linf,
        caiso_robustness::Norm::L2 => summary.median_l2,
        caiso_robustness::Norm::L1 => summary.median_l1,
        caiso_robustness::Norm::L0 => summary.median_l0,
    };
    let mut text = format!(
        "{:<14} {:<5} {:>9} {:>8.4} {:>17} {:>8} {:>9} {:>9} {:>6} {:>11} {:>9.2}\n",
        result.attack,
        result.norm,
        result.eps.map_or_else(|| "any".to_owned(), |eps| eps.to_string()),
        summary.robust_accuracy,
        format!("[{:.4}, {:.4}]", summary.interval[0], summary.interval[1]),
        number(summary.success_rate),
        number(median),
        number(summary.median_linf),
        summary.median_l0.map_or_else(|| "-".to_owned(), |l0| l0.to_string()),
        summary.queries,
        result.cpu_seconds,
    );
    let mut note = |count: usize, words: &str| {
        if count > 0 {
            text += &format!("    {count} rows {words}\n");
        }
    };
    note(summary.init_failed, "found no point to start from: not counted as robust");
    note(summary.not_attacked, "were not attacked: not counted as robust");
    note(summary.without_gradient, "stand with a gradient of zero, which shows little");
    if let Some(stopped) = &result.stopped {
        text += &format!("    stopped: {stopped}\n");
    }
    for note in &result.notes {
        text += &format!("    note: {note}\n");
    }
    text
}
