//! The published schema is that of the types, and judges what they write.

use evidence::Evidence;
use serde_json::Value;

use crate::samples;

const PUBLISHED: &str = include_str!("../../../../docs/evidence.schema.json");

#[test]
fn the_published_schema_is_that_of_the_types() {
    let expected = serde_json::to_string_pretty(&evidence::schema()).unwrap() + "\n";
    assert!(PUBLISHED == expected, "run: cargo run -p evidence --example schema > docs/evidence.schema.json");
}

#[test]
fn every_sample_satisfies_the_published_schema_and_a_broken_one_does_not() {
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for facts in [samples::minimal(), samples::small(), samples::hostile(), samples::omitted()] {
        let mut document = serde_json::to_value(Evidence::new(facts)).unwrap();
        let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        for pointer in ["/facts/head/started", "/facts/policy/sha256", "/assessment/sums", "/assessment/controls"] {
            let whole = document.clone();
            *document.pointer_mut(pointer).unwrap() = Value::Bool(true);
            assert!(!validator.is_valid(&document), "{pointer}");
            document = whole;
        }
        if let Some(verdict) = document.pointer_mut("/facts/results/0/verdict") {
            *verdict = "fine".into();
            assert!(!validator.is_valid(&document), "a verdict that does not exist");
        }
    }
}
