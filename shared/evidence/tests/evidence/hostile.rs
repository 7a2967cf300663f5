//! Text from strangers stays text, in every form.

use evidence::Evidence;
use proptest::prelude::*;
use visible::visible;

use crate::{
    forms::{embedded, page, written},
    samples::{self, FIRST, HOSTILE},
};

/// What only our own templates may write.
fn is_clean(page: &str) -> Result<(), String> {
    let (body, json) = match page.split_once("<script type=\"application/json\" id=\"evidence\">") {
        Some((before, rest)) => {
            let (json, after) = rest.split_once("</script>").unwrap();
            (format!("{before}{after}"), json)
        }
        None => (page.to_owned(), ""),
    };
    if json.contains('<') {
        return Err("a `<` in the JSON".to_owned());
    }
    let scripts = body.matches("<script").count();
    if scripts != 1 || body.matches("</script").count() != 1 {
        return Err(format!("{scripts} scripts"));
    }
    for forbidden in ["<img", "onerror=\"", "<b>x", "<i>&", "javascript:", "<!--"] {
        if body.contains(forbidden) {
            return Err(format!("{forbidden} is in the page"));
        }
    }
    let invisible =
        |c: &char| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match body.chars().find(invisible) {
        Some(c) => Err(format!("{c:?} is in the page")),
        None => Ok(()),
    }
}

/// The field as it was before it was made safe for spreadsheets, with what cannot be seen written out.
fn original(field: &str) -> String {
    let cells = field.split(';').map(|cell| cell.strip_prefix('\'').unwrap_or(cell));
    cells.collect::<Vec<_>>().join(";")
}

fn check(facts: evidence::Facts) -> Result<(), String> {
    let evidence = Evidence::new(facts);
    let page = page(&evidence);
    is_clean(&page)?;
    let inside = embedded(&page).ok_or("no JSON")?;
    let json = written(|to| evidence.write_json(to));
    let (inside, json): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(inside).unwrap(), serde_json::from_str(&json).unwrap());
    if inside != json {
        return Err("the JSON in the page is another".to_owned());
    }
    let text = written(|to| evidence.write_csv(to));
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(text.as_bytes());
    for (row, result) in reader.records().zip(&evidence.facts().results) {
        let row = row.map_err(|error| error.to_string())?;
        let name = result.name.as_deref().unwrap_or_default();
        if [original(&row[6]), original(&row[7])] != [visible(name), visible(&result.reason)] {
            return Err(format!("{row:?} is not {result:?}"));
        }
        let is_number = |field: &str| field.parse::<f64>().is_ok() && !field.contains(['e', 'E', 'n', 'N']);
        let begins = |field: &str| {
            field
                .split(';')
                .any(|cell| cell.trim_start_matches([' ', '"']).starts_with(['=', '+', '-', '@', '＝', '＠']))
        };
        if row.iter().any(|field| begins(field) && !is_number(field)) {
            return Err(format!("a formula in {row:?}"));
        }
        if row.iter().any(|field| field.contains(visible::is_invisible)) {
            return Err(format!("something that cannot be seen in {row:?}"));
        }
    }
    let xml = written(|to| evidence.write_junit(to));
    quick_junit::Report::deserialize_from_str(&xml).map_err(|error| error.to_string())?;
    let is_legal =
        |c: char| matches!(c, '\n' | ' '..='\u{7e}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if let Some(c) = xml.chars().find(|c| !is_legal(*c)) {
        return Err(format!("{c:?} is in the XML"));
    }
    let events: Vec<serde_json::Value> = serde_json::from_str(&written(|to| evidence.write_ocsf(to))).unwrap();
    if events.len() < evidence.facts().results.len() { Err("events are missing".to_owned()) } else { Ok(()) }
}

#[test]
fn every_known_trick_stays_text() {
    check(samples::hostile()).unwrap();
    let page = page(&Evidence::new(samples::hostile()));
    assert!(page.contains("&lt;script&gt;document.title=&#39;taken&#39;&lt;/script&gt;"));
    assert!(page.contains("payments<span class=\"mark\">U+202E</span>dorp-"));
    assert!(page.contains(&"深".repeat(128)));
}

#[test]
fn a_formula_in_a_name_is_text_in_a_spreadsheet() {
    let mut facts = samples::minimal();
    for (nth, name) in HOSTILE.into_iter().enumerate() {
        facts.results.push(samples::vpc(FIRST, "cn-hangzhou", nth, name));
    }
    let text = written(|to| Evidence::new(facts).write_csv(to));
    for expected in [
        "\"'=HYPERLINK(\"\"http://example.com\"\",\"\"click\"\")\"",
        ",\"'+1+1\",",
        ",\"'-2+3\",",
        ",\"'@SUM(1)\",",
        ",\"\\u{0009}=1+1\",",
        ",\"''=1+1\",",
        ",\"\\u{000d}\\u{000a}Set-Cookie: a=b\",",
        ",\"x;'=cmd|' /C calc'!A0;y\",",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    for first in ['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠'] {
        let field = format!("{first}SUM(1)");
        assert_eq!(evidence::as_text(&field), format!("'{field}"));
    }
    for (first, written_out) in [('\t', r"\u{0009}"), ('\r', r"\u{000d}"), ('\n', r"\u{000a}")] {
        assert_eq!(evidence::as_text(&format!("{first}SUM(1)")), format!("{written_out}SUM(1)"));
    }
}

#[test]
fn a_negative_number_stays_a_number_and_what_only_begins_like_one_does_not() {
    for (field, expected) in [
        ("-1", "-1"),
        ("-0.410000", "-0.410000"),
        ("-2+3", "'-2+3"),
        ("-", "'-"),
        ("--1", "'--1"),
        ("-1.", "'-1."),
        ("-.5", "'-.5"),
        ("-1e5", "'-1e5"),
        ("-1.2.3", "'-1.2.3"),
        ("+1", "'+1"),
        ("-１", "'-１"),
    ] {
        assert_eq!(evidence::as_text(field), expected);
    }
    let mut facts = samples::small();
    facts.costs[0].rows[0].micros = Some(-410_000);
    let text = written(|to| Evidence::new(facts).write_csv(to));
    assert_eq!(text.matches(",\"-0.410000\",\"CNY\",\"false\",").count(), 1, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_reason_or_code_breaks_any_form(
        texts in prop::collection::vec(
            prop_oneof![
                prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
                any::<String>(),
                "[<>&\"'=+@\\t\\r\\n,;\\\\{}\\[\\]!a-z/-]{0,24}",
                "[;=+@ \"'a-]{0,12}",
                "[\\u{0}-\\u{1f}\\u{7f}-\\u{9f}\\u{200b}-\\u{200f}\\u{202a}-\\u{202e}\\u{2066}-\\u{2069}a-c]{0,12}",
            ],
            4..12,
        )
    ) {
        let mut facts = samples::minimal();
        for (nth, text) in texts.iter().enumerate() {
            let mut result = samples::vpc(FIRST, "cn-hangzhou", nth, text);
            result.reason.clone_from(text);
            result.flow_log.as_mut().unwrap().status = Some(text.clone());
            result.error = Some(Box::new(evidence::Failure {
                operation: text.clone(),
                code: text.clone(),
                message: text.clone(),
                request_id: Some(text.clone()),
                advice: text.clone(),
            }));
            facts.results.push(result);
            facts.asked.left_out.push(evidence::LeftOut {
                what: text.clone(),
                why: text.clone(),
                part: evidence::Part::Region,
            });
        }
        facts.policy.name.clone_from(&texts[0]);
        facts.head.run.clone_from(&texts[1]);
        facts.head.tool.clone_from(&texts[2]);
        prop_assert_eq!(check(facts), Ok(()));
    }
}
