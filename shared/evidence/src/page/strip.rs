//! A week of a schedule as a strip.

use std::{fmt, fmt::Write as _};

use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::parts::Shown;
use crate::facts::{Day, Week};

/// A week as a picture: seven days in a row, dark while flow logs are on, with a line at the moment of the report.
pub(super) struct Strip<'a>(pub(super) &'a Week);

impl HtmlSafe for Strip<'_> {}

/// Units of the picture in an hour.
const HOUR: i64 = 10;

/// The height of the picture.
const HEIGHT: i64 = 40;

impl fmt::Display for Strip<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.0;
        let (Some(first), Some(last)) = (week.days.first(), week.days.last()) else { return Ok(()) };
        // A crafted document may hold any times.
        let x = |at: Timestamp| {
            at.clamp(first.from, last.to.max(first.from)).duration_since(first.from).as_mins() * HOUR / 60
        };
        write!(
            f,
            "<svg class=\"strip\" role=\"img\" viewBox=\"0 0 {} {HEIGHT}\" preserveAspectRatio=\"none\"><title>{}</title>",
            x(last.to).max(1),
            Plain(&title(week))
        )?;
        for day in &week.days {
            let (left, right) = (x(day.from), x(day.to));
            write!(
                f,
                "<rect class=\"off\" x=\"{left}\" y=\"0\" width=\"{}\" height=\"{HEIGHT}\"/>",
                (right - left - 2).max(0)
            )?;
            for span in &day.on {
                let (from, to) = (x(span.from).max(left), x(span.to).min(right - 2));
                write!(
                    f,
                    "<rect class=\"on\" x=\"{from}\" y=\"0\" width=\"{}\" height=\"{HEIGHT}\"/>",
                    (to - from).max(0)
                )?;
            }
        }
        write!(f, "<line class=\"now\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{HEIGHT}\"/></svg>", x(week.now))
    }
}

/// Text without markup, escaped.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '&' => f.write_str("&amp;")?,
                c if visible::is_invisible(c) => write!(f, "U+{:04X}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// What the strip shows, in words.
fn title(week: &Week) -> String {
    let days = week.days.iter().map(|day| {
        let on: Vec<_> = day.on.iter().map(|span| format!("{} to {}", span.local_from, span.local_to)).collect();
        let on = if on.is_empty() { "off".to_owned() } else { on.join(", ") };
        format!("{} {on}", day.date.strftime("%A"))
    });
    format!("The schedule {} in {}: {}", week.name, week.time_zone, days.collect::<Vec<_>>().join("; "))
}

/// A day of the week below the strip.
impl Day {
    /// The day as a label, as in `Mon 23`.
    pub(super) fn label(&self) -> String {
        self.date.strftime("%a %-d").to_string()
    }
}

impl Week {
    /// The name, shown.
    pub(super) fn shown(&self) -> Shown<'_> {
        Shown(&self.name)
    }

    /// For how long it is on, as in `70 of 168 h`.
    pub(super) fn hours(&self) -> String {
        let (on, whole) = self.minutes();
        let hours = |minutes: i64| match (minutes / 60, minutes % 60) {
            (hours, 0) => hours.to_string(),
            (hours, minutes) => format!("{hours}:{minutes:02}"),
        };
        format!("{} of {} h", hours(on), hours(whole))
    }
}
