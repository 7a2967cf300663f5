//! The names of fields as a line writes them.
//!
//! Each place in the code logs the same names every time, so they are escaped once.

use std::{cell::RefCell, rc::Rc};

use tracing::{Metadata, callsite::Identifier};

use super::line;

/// The names of the fields of one place in the code, by index: `,"name":`.
pub(super) type Names = Rc<[Box<[u8]>]>;

thread_local! {
    /// A list, because few places log anything in a process.
    static KNOWN: RefCell<Vec<(Identifier, Names)>> = const { RefCell::new(Vec::new()) };
}

/// Returns the names of the fields of a place in the code.
pub(super) fn of(metadata: &Metadata<'_>) -> Names {
    let place = metadata.callsite();
    KNOWN.with_borrow_mut(|known| match known.iter().find(|(found, _)| *found == place) {
        Some((_, names)) => Rc::clone(names),
        None => {
            let names: Names = metadata.fields().iter().map(|field| line::key(field.name()).into()).collect();
            known.push((place, Rc::clone(&names)));
            names
        }
    })
}
