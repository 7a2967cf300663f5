//! The names of the functions.

/// The names of all functions. A deployed function and its role are both named by a common prefix and this name.
pub const FUNCTIONS: [&str; 8] = [
    "create-flow-log",
    "activate-flow-logs",
    "deactivate-flow-logs",
    "remediate-flow-logs",
    "delete-orphaned-flow-logs",
    "create-ecr-flow-log",
    "open-flow-log-service",
    "report-flow-logs",
];

/// Whether there is a function of this name. Each function checks its own name at compile time, so the list is
/// complete.
#[must_use]
pub const fn is_function(name: &str) -> bool {
    let mut nth = 0;
    while nth < FUNCTIONS.len() {
        if is_same(FUNCTIONS[nth].as_bytes(), name.as_bytes()) {
            return true;
        }
        nth += 1;
    }
    false
}

/// `==` for bytes, which a `const fn` cannot use.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_one_by_its_whole_name() {
        assert!(FUNCTIONS.iter().all(|name| is_function(name)));
        for other in ["", "create-flow", "create-flow-logs", "create-flow-lod"] {
            assert!(!is_function(other), "{other}");
        }
    }
}
