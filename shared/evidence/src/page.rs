//! Evidence as one HTML page that needs nothing else: no network, no script, no other file.
//!
//! The page is written piece by piece, so that its size is not held in memory. Its script only filters, sorts and saves.

mod index_view;
mod parts;
mod strip;
mod view;

use std::io::{self, BufWriter, Write};

use askama::Template as _;

pub(crate) use self::index_view::IndexView;
use self::view::View;
use crate::evidence::Evidence;

impl Evidence {
    /// The most resources that need nothing which a page lists. If there are more, the page counts them, and the CSV
    /// and the JSON list them; the page then holds no JSON either.
    pub const MAX_QUIET_ROWS: usize = 2_000;

    /// The most rows of any other table. Findings beyond that are in the CSV and the JSON.
    pub const MAX_ROWS: usize = 5_000;

    /// Writes the page.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_page(&self, to: impl Write) -> io::Result<()> {
        let mut to = BufWriter::with_capacity(1 << 16, to);
        View::of(self).write_into(&mut to)?;
        to.flush()
    }
}
