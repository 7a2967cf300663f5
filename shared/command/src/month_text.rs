//! A month of a schedule in the terminal: a line for each day, from midnight to midnight.

use std::fmt::Write as _;

use crate::{
    calendar::{Cell, Month, short},
    columns::hanging,
    style::{BOLD, DIM, GREEN, YELLOW, cut, width},
};

/// The number of columns where nobody says.
const DEFAULT_COLUMNS: usize = 80;
/// The columns of the day and of its hours.
const LABEL: usize = 8;
const HOURS: usize = 8;
/// The columns of a mark beside the hours.
const MARK: usize = 16;

/// Draws a month within the columns of a terminal. A dumb one gets ASCII.
pub(crate) fn draw(month: &Month, cut_at: Option<usize>, is_dumb: bool) -> String {
    let columns = cut_at.unwrap_or(DEFAULT_COLUMNS);
    let fits = |cells: &usize| LABEL + cells + HOURS <= columns;
    let cells = [96, 48, 24].into_iter().find(fits).unwrap_or(12);
    let mut text = String::new();
    let title = format!("{}, {}, {}", month.name, month.title(), month.time_zone);
    _ = writeln!(text, "{BOLD}{}{BOLD:#}\n", cut(&title, columns));
    _ = writeln!(text, "{}{DIM}{}{DIM:#}", " ".repeat(LABEL), clock(cells));
    let mut notes = Vec::new();
    for day in &month.days {
        let date = format!("{} {:2}", short(day.date.weekday()), day.date.day());
        let star = if day.clock_changes.is_empty() { ' ' } else { '*' };
        _ = write!(text, "{date}{YELLOW}{star}{YELLOW:#} ");
        let drawn = day.cells(cells);
        for run in drawn.chunk_by(|one, other| one == other) {
            let (glyph, style) = match (run[0], is_dumb) {
                (Cell::On, false) => ('█', GREEN),
                (Cell::Part, false) => ('▄', GREEN),
                (Cell::Off, false) => ('·', DIM),
                (Cell::Skipped, false) => ('╳', YELLOW),
                (Cell::On, true) => ('#', GREEN),
                (Cell::Part, true) => ('+', GREEN),
                (Cell::Off, true) => ('.', DIM),
                (Cell::Skipped, true) => ('x', YELLOW),
            };
            _ = write!(text, "{style}{}{style:#}", glyph.to_string().repeat(run.len()));
        }
        let minutes = day.on.as_mins();
        let hours = if minutes == 0 { "-".to_owned() } else { format!("{}:{:02}", minutes / 60, minutes % 60) };
        _ = write!(text, "  {hours:>5}");
        match day.mark() {
            Some(mark) if LABEL + cells + HOURS + MARK <= columns => _ = writeln!(text, "  {DIM}{mark}{DIM:#}"),
            Some(mark) => {
                notes.push(format!("{date}: {mark}"));
                text.push('\n');
            }
            None => text.push('\n'),
        }
        let changes = day.clock_changes.iter();
        notes.extend(changes.map(|change| format!("{date}* clocks change: {} ({})", change.what, change.at)));
    }
    _ = writeln!(text);
    for note in notes {
        text.push_str(&hanging(&note, 0, cut_at));
    }
    text + &hanging(&month.summary(), 0, cut_at)
}

/// The hours above the cells.
fn clock(cells: usize) -> String {
    let step = if cells >= 48 { 3 } else { 6 };
    let mut line = String::new();
    for hour in (0..=24).step_by(step) {
        let at = hour * cells / 24;
        line.push_str(&" ".repeat(at.saturating_sub(width(&line))));
        line.push_str(&hour.to_string());
    }
    line
}
