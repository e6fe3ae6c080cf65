//! Progress on standard error: a live line on a terminal, one line a check elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use caiso_assess::Event;
use caiso_report::CheckStatus;
use indicatif::{ProgressBar, ProgressStyle};

/// A live line on a terminal, lines elsewhere.
pub(crate) struct Line {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Line {
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, quiet }
    }

    /// A line that stays.
    pub(crate) fn print(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// What is being done, after `done` of `all` pieces.
    pub(crate) fn step(&self, done: usize, all: usize, words: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(all as u64);
                bar.set_position(done as u64);
                bar.set_message(words.to_owned());
            }
            None => self.print(&format!("step   {:>3}/{all} {words}", done + 1)),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows what an assessment is doing.
pub(crate) struct Progress {
    line: Line,
    verbose: bool,
}

impl Progress {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        Self { line: Line::new(quiet), verbose }
    }

    pub(crate) fn event(&self, event: &Event<'_>) {
        match event {
            Event::Planned { applies, missing, not_applicable } => {
                if let Some(bar) = &self.line.bar {
                    bar.set_length(*applies as u64);
                }
                self.line.print(&format!(
                    "plan   {applies} checks apply · {missing} not assessable · {not_applicable} not applicable"
                ));
            }
            Event::Started { code, component, .. } => {
                if let Some(bar) = &self.line.bar {
                    bar.set_message(format!("{code} {component}"));
                }
            }
            Event::Finished(check) => {
                if let Some(bar) = &self.line.bar {
                    bar.inc(1);
                }
                let word = match check.status {
                    CheckStatus::Passed => "ok    ",
                    CheckStatus::Failed => "FAIL  ",
                    CheckStatus::Incomplete => "--    ",
                    CheckStatus::Skipped | CheckStatus::NotApplicable => return,
                };
                if check.status == CheckStatus::Passed && self.line.bar.is_some() && !self.verbose {
                    return;
                }
                let time = if check.cached {
                    "cached".to_owned()
                } else {
                    format!("{:.2} s", Duration::from_millis(check.duration_ms).as_secs_f64())
                };
                let title: String = check.title.chars().take(46).collect();
                self.line.print(&format!("{word} {:<13} {title:<46} {time:>8}", check.code));
            }
            Event::Sealing => {
                if let Some(bar) = &self.line.bar {
                    bar.set_message("sealing");
                }
            }
        }
    }
}
