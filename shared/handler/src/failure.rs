//! The failure of a run, small enough for a dead letter.
//!
//! When every retry has failed, request and answer become a dead letter: a message of at most 64 KB that holds both as
//! strings. A larger one would be lost. The log has a line for every result, including those that are left out here.

use std::io;

use fc_runtime::Failure;
use reconcile::{Incomplete, Item, Outcome, Report, Shards, Summary};
use serde::Serialize;

/// The largest failure, in bytes.
const MAX_FAILURE: usize = 48 << 10;
/// The largest dead letter, in bytes.
const MAX_DEAD_LETTER: usize = 64 << 10;
/// Room for the other fields of a dead letter: ids, names, times. They take a few hundred bytes.
const DEAD_LETTER_HEAD: usize = 2 << 10;
/// The least room for a failure, in bytes: enough for its message and counts. If the request leaves less, the dead
/// letter is too large whatever the answer is.
const MIN_FAILURE: usize = 4 << 10;
/// The longest error message, in bytes, of a failure that is shortened.
const MAX_MESSAGE: usize = 1 << 10;

/// Returns the failure of a run, with as much of its report as fits beside the request.
pub(crate) fn build(incomplete: &Incomplete, report: &Report, request: &[u8]) -> Failure {
    fit(incomplete, report, room_beside(request).unwrap_or(MIN_FAILURE))
}

/// Warns about a request that is too large for a dead letter. If it exhausts its retries, only the log has it.
pub(crate) fn warn_of_lost_letter(request: &[u8]) {
    if room_beside(request).is_none() {
        tracing::warn!(
            request_bytes = request.len(),
            "the request is too large for a dead letter of {MAX_DEAD_LETTER} bytes: if it fails for good, find it in the log, \
             by the ids on this line and on the lines of its results"
        );
    }
}

/// Returns how many bytes a failure may have, escaped, to fit into a dead letter beside the request; `None` if that is
/// less than [`MIN_FAILURE`].
fn room_beside(request: &[u8]) -> Option<usize> {
    let taken = DEAD_LETTER_HEAD + Size::of(request).escaped;
    MAX_DEAD_LETTER.checked_sub(taken).filter(|room| *room >= MIN_FAILURE)
}

/// The part of a report that is in the answer.
#[derive(Serialize)]
struct Excerpt<'a> {
    function: &'a str,
    run: &'a str,
    request_id: &'a str,
    dry_run: bool,
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<Shards>,
    results: Vec<&'a Item>,
    /// The number of results that are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<usize>,
}

/// Builds the failure, in at most `room` bytes when escaped: counts first, then findings and failures, then the rest.
fn fit(incomplete: &Incomplete, report: &Report, room: usize) -> Failure {
    let excerpt = |summary, results, truncated| Excerpt {
        function: report.function,
        run: &report.run,
        request_id: &report.request_id,
        dry_run: report.dry_run,
        summary,
        shards: report.shards,
        results,
        truncated,
    };
    let failure = |message: &str, part: &Excerpt<'_>| Failure::new(incomplete.error_type, message).with_report(part);
    let whole = excerpt(&report.summary, report.results.iter().collect(), None);
    let bare = Failure::new(incomplete.error_type, incomplete.message.as_str());
    let beside_bare = Room::of(room).less(Size::of_json(&bare));
    if beside_bare.and_then(|left| left.less(FRAME)?.less(Size::of_json(&whole))).is_some() {
        return failure(&incomplete.message, &whole);
    }

    let message = cut(&incomplete.message);
    let summary = with_few_limits(&report.summary, room / 8);
    let nothing = excerpt(&summary, Vec::new(), Some(report.results.len()));
    let mut left = Room::of(room).less(Size::of_json(&failure(&message, &nothing)));
    let (first, then): (Vec<_>, Vec<_>) = report.results.iter().partition(|item| is_urgent(item));
    let mut kept = Vec::new();
    for item in first.into_iter().chain(then) {
        if let Some(less) = left.as_ref().and_then(|left| left.less(COMMA)?.less(Size::of_json(item))) {
            left = Some(less);
            kept.push(item);
        }
    }
    let truncated = report.results.len() - kept.len();
    failure(&message, &excerpt(&summary, kept, Some(truncated)))
}

/// Returns the summary with as many of its limits as fit. There may be one for each region of each account.
fn with_few_limits(summary: &Summary, room: usize) -> Summary {
    let (mut summary, mut left) = (summary.clone(), Room::of(room));
    let all = summary.limits.len();
    let fits = summary.limits.iter().take_while(|limit| match left.less(Size::of_json(limit)) {
        Some(less) => {
            left = less;
            true
        }
        None => false,
    });
    let kept = fits.count();
    summary.limits.truncate(kept);
    if kept < all {
        summary.limits.push(format!("and {} more", all - kept));
    }
    summary
}

/// Whether a person should look at the result.
fn is_urgent(item: &Item) -> bool {
    item.is_finding || matches!(item.outcome, Outcome::Failed | Outcome::Unfinished)
}

fn cut(message: &str) -> String {
    if message.len() <= MAX_MESSAGE {
        return message.to_owned();
    }
    let short = &message[..message.floor_char_boundary(MAX_MESSAGE)];
    format!("{short}… (cut, {} bytes in all)", message.len())
}

/// The length of a text in bytes, plain and escaped as part of a JSON string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Size {
    bytes: usize,
    escaped: usize,
}

/// The comma between two results.
const COMMA: Size = Size { bytes: 1, escaped: 1 };
/// The key of the report in a failure: `,"report":`.
const FRAME: Size = Size { bytes: 10, escaped: 12 };

impl Size {
    fn of(text: &[u8]) -> Self {
        Self { bytes: text.len(), escaped: text.iter().map(|byte| escaped(*byte)).sum() }
    }

    /// Measures a value as JSON, without keeping the JSON.
    fn of_json<T: Serialize>(value: &T) -> Self {
        let mut size = Self::default();
        match serde_json::to_writer(&mut size, value) {
            Ok(()) => size,
            // Serializing cannot fail here. A value that failed would be missing from the answer, too.
            Err(_) => Self::default(),
        }
    }
}

impl io::Write for Size {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let more = Self::of(text);
        *self = Self { bytes: self.bytes + more.bytes, escaped: self.escaped + more.escaped };
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the most bytes that this byte can take when escaped. Some JSON writers also escape HTML's special characters
/// and everything that is not ASCII.
const fn escaped(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        ..0x20 | 0x7f | b'<' | b'>' | b'&' | b'\'' | b'=' => 6,
        // A character of two or three bytes becomes one `\uXXXX`, and one of four bytes becomes two.
        0x80.. => 3,
        _ => 1,
    }
}

/// The room that is left.
#[derive(Debug, Clone, Copy)]
struct Room(Size);

impl Room {
    const fn of(room: usize) -> Self {
        Self(Size { bytes: MAX_FAILURE, escaped: room })
    }

    /// Returns the room that is left after `size`, if it fits.
    fn less(self, size: Size) -> Option<Self> {
        Some(Self(Size {
            bytes: self.0.bytes.checked_sub(size.bytes)?,
            escaped: self.0.escaped.checked_sub(size.escaped)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use fc_runtime::Settings;
    use proptest::prelude::*;
    use reconcile::{Capabilities, OsRng, Reconciler, ReconcilerSettings, Selection, SystemClock};
    use serde_json::Value;

    use super::*;

    fn report(items: Vec<Item>) -> Report {
        static RECONCILER: LazyLock<Reconciler> = LazyLock::new(|| {
            let policy = [("FLOWKEEPER_POLICY", "flow_log: {project: flowlog, log_store: vpc}")];
            let settings = ReconcilerSettings::read(&Settings::from_pairs(policy)).unwrap();
            let capabilities = Capabilities {
                function: "remediate-flow-logs",
                selects: Selection::Resources,
                actions: &[],
                repairs: false,
            };
            Reconciler::new(capabilities, settings, Arc::new(SystemClock), Arc::new(OsRng))
        });
        RECONCILER.report("run".to_owned(), "1-request".to_owned(), items)
    }

    fn item(outcome: Outcome, reason: &str) -> Item {
        Item { outcome, resource_id: Some("vpc-1".to_owned()), ..Item::skipped_event(reason) }
    }

    fn incomplete(message: &str) -> Incomplete {
        Incomplete { error_type: "Incomplete", message: message.to_owned() }
    }

    fn body(failure: &Failure) -> (Vec<u8>, Value) {
        let body = serde_json::to_vec(failure).unwrap();
        let value = serde_json::from_slice(&body).unwrap();
        (body, value)
    }

    #[test]
    fn a_small_report_is_answered_as_it_is() {
        let report = report(vec![item(Outcome::Skipped, "a"), item(Outcome::Failed, "b")]);
        let (text, value) = body(&build(&incomplete("why"), &report, b"{}"));
        let at = |key: &str| String::from_utf8_lossy(&text).find(&format!("\"{key}\":"));
        assert!(at("summary") < at("results"), "the counts come first");
        assert_eq!(value["errorMessage"], "why");
        assert_eq!(value["report"], serde_json::to_value(&report).unwrap());
    }

    #[test]
    fn what_does_not_fit_is_counted_and_findings_and_failures_come_first() {
        let many = |outcome| (0..400).map(move |_| item(outcome, &"x".repeat(100)));
        let finding = Item { is_finding: true, ..item(Outcome::Skipped, "a finding") };
        let items = many(Outcome::Unchanged).chain(many(Outcome::Done)).chain([finding]).chain(many(Outcome::Failed));
        let report = report(items.collect());
        let (body, value) = body(&build(&incomplete(&"why ".repeat(1000)), &report, b"{}"));
        assert!((40 << 10..48 << 10).contains(&body.len()), "{} bytes", body.len());
        let results = value["report"]["results"].as_array().unwrap();
        assert_eq!(results[0]["reason"], "a finding");
        assert!(results[1..].iter().all(|result| result["outcome"] == "failed"), "{results:#?}");
        assert_eq!(value["report"]["truncated"], 1201 - results.len());
        assert_eq!(value["report"]["summary"], serde_json::to_value(report.summary).unwrap());
        assert!(value["errorMessage"].as_str().unwrap().ends_with("… (cut, 4000 bytes in all)"));
    }

    #[test]
    fn a_result_that_is_too_large_by_itself_leaves_room_for_the_others() {
        let report = report(vec![item(Outcome::Failed, &"x".repeat(60 << 10)), item(Outcome::Failed, "small")]);
        let (_, value) = body(&build(&incomplete("why"), &report, b"{}"));
        assert_eq!(value["report"]["results"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&value["report"]["results"][0]["reason"], &value["report"]["truncated"]),
            (&"small".into(), &1.into())
        );
    }

    #[test]
    fn a_large_request_leaves_less_room_and_the_largest_room_for_the_counts() {
        assert_eq!(room_beside(b""), Some(62 << 10));
        assert_eq!(room_beside("x".repeat(10 << 10).as_bytes()), Some(52 << 10));
        assert_eq!(room_beside("\"".repeat(10 << 10).as_bytes()), Some(42 << 10), "a quotation mark is escaped");
        assert_eq!(room_beside("x".repeat(58 << 10).as_bytes()), Some(4 << 10));
        assert_eq!(room_beside("x".repeat((58 << 10) + 1).as_bytes()), None);
        let report = report(vec![item(Outcome::Failed, &"x".repeat(1000)); 100]);
        let (body, value) = body(&build(&incomplete("why"), &report, "x".repeat(128 << 10).as_bytes()));
        assert!(body.len() < MIN_FAILURE, "{} bytes", body.len());
        assert_eq!(value["report"]["summary"]["failed"], 100);
    }

    #[test]
    fn limits_of_many_regions_leave_the_failure_small_enough() {
        let mut report = report(vec![item(Outcome::Failed, "why")]);
        let limit =
            |nth: usize| format!("{nth} in cn-hangzhou: 51 changes are more than max_changes: 50; {}", "x".repeat(60));
        report.summary.limits = (0..1000).map(limit).collect();
        for request in ["{}".to_owned(), "x".repeat(56 << 10)] {
            let (body, value) = body(&build(&incomplete("why"), &report, request.as_bytes()));
            assert!(body.len() <= MAX_FAILURE, "{} bytes", body.len());
            let room = room_beside(request.as_bytes()).unwrap();
            assert!(Size::of(&body).escaped <= room, "{} of {room}", Size::of(&body).escaped);
            let limits = value["report"]["summary"]["limits"].as_array().unwrap();
            let left_out = 1001 - limits.len();
            assert_eq!(limits.last().unwrap(), &Value::from(format!("and {left_out} more")));
            assert_eq!(value["report"]["summary"]["failed"], report.summary.failed);
        }
    }

    fn any_item() -> impl Strategy<Value = Item> {
        let outcome = prop::sample::select(vec![
            Outcome::Done,
            Outcome::Unchanged,
            Outcome::Planned,
            Outcome::Skipped,
            Outcome::Failed,
            Outcome::Unfinished,
        ]);
        (outcome, prop_oneof!["\\PC{0,300}", ".{0,60}", "[\"\\\\<&\u{1}]{0,1000}"], any::<bool>())
            .prop_map(|(outcome, reason, is_finding)| Item { is_finding, ..item(outcome, &reason) })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_the_report_and_the_request_the_dead_letter_can_be_kept(
            items in prop::collection::vec(any_item(), 0..80),
            message in "\\PC{0,3000}",
            request in prop_oneof!["[ -~]{0,2000}", "[\"\\\\\u{1}]{0,9000}"],
            times in 1..40_usize,
        ) {
            let request = request.repeat(times);
            let report = report(items);
            let (body, value) = body(&build(&incomplete(&message), &report, request.as_bytes()));
            prop_assert!(body.len() <= MAX_FAILURE, "{} bytes", body.len());
            let as_text = |bytes: &[u8]| serde_json::to_string(&String::from_utf8_lossy(bytes)).unwrap().len();
            let room = room_beside(request.as_bytes());
            prop_assert!(as_text(&body) <= room.unwrap_or(MIN_FAILURE) + 2);
            if room.is_some() {
                let letter = as_text(&body) + as_text(request.as_bytes());
                prop_assert!(letter + 1024 <= MAX_DEAD_LETTER, "{letter} bytes");
            }
            prop_assert_eq!(&value["report"]["summary"], &serde_json::to_value(report.summary).unwrap());
            let results = value["report"]["results"].as_array().unwrap();
            let truncated = value["report"]["truncated"].as_u64().unwrap_or_default();
            prop_assert_eq!(results.len() as u64 + truncated, report.results.len() as u64);
        }
    }
}
