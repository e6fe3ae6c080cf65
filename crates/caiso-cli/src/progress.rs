//! Progress on standard error: a live line on a terminal, one line a check elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use caiso_assess::Event;
use caiso_report::CheckStatus;
use indicatif::{ProgressBar, ProgressStyle};

/// Shows what an assessment is doing.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    verbose: bool,
    quiet: bool,
}

impl Progress {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, verbose, quiet }
    }

    pub(crate) fn event(&self, event: &Event<'_>) {
        if self.quiet {
            return;
        }
        match event {
            Event::Planned { applies, missing, not_applicable } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(*applies as u64);
                }
                self.line(&format!(
                    "plan   {applies} checks apply · {missing} not assessable · {not_applicable} not applicable"
                ));
            }
            Event::Started { code, component, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{code} {component}"));
                }
            }
            Event::Finished(check) => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
                let word = match check.status {
                    CheckStatus::Passed => "ok    ",
                    CheckStatus::Failed => "FAIL  ",
                    CheckStatus::Incomplete => "--    ",
                    CheckStatus::Skipped | CheckStatus::NotApplicable => return,
                };
                if check.status == CheckStatus::Passed && self.bar.is_some() && !self.verbose {
                    return;
                }
                let time = if check.cached {
                    "cached".to_owned()
                } else {
                    format!("{:.2} s", Duration::from_millis(check.duration_ms).as_secs_f64())
                };
                let title: String = check.title.chars().take(46).collect();
                self.line(&format!("{word} {:<13} {title:<46} {time:>8}", check.code));
            }
            Event::Sealing => {
                if let Some(bar) = &self.bar {
                    bar.set_message("sealing");
                }
            }
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
