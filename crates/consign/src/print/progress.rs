//! Bars of progress.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bars, one below the other, on standard error.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
}

/// One bar. It vanishes when it is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Progress {
    /// Bars that are shown, or that go nowhere.
    pub(super) fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target) }
    }

    /// A bar for something that takes so many steps, where that is known.
    pub fn bar(&self, what: &str, steps: Option<u64>) -> Bar {
        let (bar, template) = match steps {
            Some(steps) => (ProgressBar::new(steps), "{msg:<24} {wide_bar} {human_pos}/{human_len} {eta}"),
            None => (ProgressBar::no_length(), "{msg:<24} {spinner} {human_pos} {elapsed}"),
        };
        let bar = self.bars.add(bar);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Bar { bar }
    }
}

impl Bar {
    /// What is done now.
    pub fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// So many steps more are done.
    pub fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
