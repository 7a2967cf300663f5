//! The names of fields as a line writes them.
//!
//! Each place in the code logs the same names every time, so they are escaped once.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use tracing::{Metadata, callsite::Identifier};

use super::line;

/// The names of the fields of one place in the code, by index: `,"name":`.
pub(super) type Names = Rc<[Box<[u8]>]>;

thread_local! {
    static KNOWN: RefCell<HashMap<Identifier, Names>> = RefCell::default();
}

/// Returns the names of the fields of a place in the code.
pub(super) fn of(metadata: &Metadata<'_>) -> Names {
    let escaped = || metadata.fields().iter().map(|field| line::key(field.name()).into()).collect();
    KNOWN.with_borrow_mut(|known| Rc::clone(known.entry(metadata.callsite()).or_insert_with(escaped)))
}
