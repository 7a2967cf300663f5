//! A month of a schedule as a picture, for a page or a ticket.

use std::fmt::Write as _;

use crate::calendar::{Cell, Month, short};

const LEFT: usize = 90;
const TOP: usize = 70;
const ROW: usize = 20;
/// Pixels of a day: two minutes each.
const DAY: usize = 720;
const RIGHT: usize = 230;

/// Draws a month.
pub(crate) fn draw(month: &Month) -> String {
    let (width, height) = (LEFT + DAY + RIGHT, TOP + ROW * month.days.len() + 60);
    let title = escaped(&format!("{}, {}, {}", month.name, month.title(), month.time_zone));
    let summary = escaped(&month.summary());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{title}</title>\n<desc id=\"desc\">{summary}</desc>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"18\" font-weight=\"bold\">{title}</text>\n"
    );
    let bottom = TOP + ROW * month.days.len();
    for hour in (0..=24).step_by(3) {
        let x = LEFT + hour * DAY / 24;
        _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555555\">{hour}</text>\n\
             <line x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{bottom}\" stroke=\"#dddddd\"/>",
            TOP - 8
        );
    }
    for (nth, day) in month.days.iter().enumerate() {
        let (y, baseline) = (TOP + nth * ROW + 3, TOP + nth * ROW + 15);
        let date = format!("{} {}", short(day.date.weekday()), day.date.day());
        _ = writeln!(svg, "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{date}</text>", LEFT - 10);
        for (cell, start, end) in day.runs() {
            let fill = match cell {
                Cell::On | Cell::Part => "#2e7d32",
                Cell::Off => "#eeeeee",
                Cell::Skipped => "#f9a825",
            };
            let (x, length) = (LEFT + start / 2, (end - start).div_ceil(2));
            _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{length}\" height=\"14\" fill=\"{fill}\"/>");
        }
        let changes = day.clock_changes.iter().map(|change| change.what.clone());
        let marks: Vec<_> = day.mark().into_iter().chain(changes).collect();
        if !marks.is_empty() {
            let marks = escaped(&marks.join("; "));
            _ = writeln!(svg, "<text x=\"{}\" y=\"{baseline}\" fill=\"#555555\">{marks}</text>", LEFT + DAY + 10);
        }
    }
    _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">{summary}</text>\n</svg>", bottom + 30);
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
