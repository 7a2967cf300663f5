//! A program that prints credentials. It is run without a shell, so no character of its line has a special meaning but
//! quotes and backslashes.

use std::{process::Stdio, time::Duration};

use serde_json::Value;
use settings::Settings;
use signing::Credentials;
use tokio::{process::Command, time::timeout};

use crate::credentials::{
    environment::is_on,
    error::SourceError,
    key::{self, Key},
    uri::DISABLED,
};

/// How long the program may take: it may ask for a second factor.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum size of what it prints, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 10;

/// A program that prints credentials, split into words.
#[derive(Clone, PartialEq, Eq)]
pub struct External {
    words: Vec<String>,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its arguments may hold a secret.
        f.debug_tuple("External").field(&self.words.first()).finish()
    }
}

impl External {
    /// Splits the line of a profile.
    pub(crate) fn new(line: &str, env: &Settings, place: &str) -> Result<Self, SourceError> {
        if is_on(env, DISABLED) {
            let remedy = format!("unset {DISABLED}, or use another profile");
            return Err(SourceError::new(place, format!("{DISABLED} forbids running a program"), remedy));
        }
        let words = words(line, cfg!(windows)).filter(|words| !words.is_empty()).ok_or_else(|| {
            SourceError::new(place, "process_command is empty, or a quote in it has no end", "correct process_command")
        })?;
        Ok(Self { words })
    }

    /// Runs it. It may use the terminal: its stdin and stderr are those of the command.
    pub(crate) async fn obtain(&self, place: &str) -> Result<Key, SourceError> {
        let [program, arguments @ ..] = &*self.words else {
            return Err(SourceError::new(place, "process_command is empty", "correct process_command"));
        };
        let failed = |problem: String| {
            SourceError::new(place, format!("{program} {problem}"), "run process_command by hand to see what is wrong")
        };
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::inherit())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output();
        let output = timeout(TIMEOUT, output)
            .await
            .map_err(|_| failed(format!("printed nothing within {} s", TIMEOUT.as_secs())))?
            .map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            return Err(failed(format!("failed: {}", output.status)));
        }
        if output.stdout.len() > MAX_OUTPUT_BYTES {
            return Err(failed(format!("printed more than {MAX_OUTPUT_BYTES} bytes")));
        }
        read(&output.stdout).map_err(failed)
    }
}

/// Reads what the program printed.
fn read(printed: &[u8]) -> Result<Key, String> {
    let value: Value = serde_json::from_slice(printed).map_err(|_| "printed what is no JSON".to_owned())?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let required = |name: &str| text(name).ok_or_else(|| format!("printed no {name}"));
    match text("mode") {
        Some(mode) if mode.eq_ignore_ascii_case("AK") => {
            Ok(Key::new(Credentials::new(required("access_key_id")?, required("access_key_secret")?)))
        }
        Some(mode) if mode.eq_ignore_ascii_case("StsToken") => {
            let names = ["access_key_id", "access_key_secret", "sts_token", "expiration"];
            Key::read(&value, names).map_err(|problem| problem.replace("the answer has no", "printed no"))
        }
        Some(_) => Err("printed a mode that is neither AK nor StsToken".to_owned()),
        None => Err(match key::code(&value) {
            Some(code) => format!("printed no mode, but {code}"),
            None => "printed no mode".to_owned(),
        }),
    }
}

/// Splits a line into words like a shell, without its other features. `None` if a quote has no end. On Windows, where
/// paths are full of them, a backslash is a character like any other.
fn words(line: &str, has_plain_backslashes: bool) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) if !has_plain_backslashes => {
                let next = characters.next()?;
                let word = word.get_or_insert_default();
                // Within double quotes only these are escaped.
                if quote.is_some() && !matches!(next, '"' | '\\' | '$' | '`') {
                    word.push('\\');
                }
                word.push(next);
            }
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_like_a_shell_does_and_nothing_in_it_is_run() {
        for (line, expected) in [
            ("a b  c", &["a", "b", "c"][..]),
            (
                r#"/opt/my\ tool --name "two words" 'it is $(HOME)'"#,
                &["/opt/my tool", "--name", "two words", "it is $(HOME)"],
            ),
            (r#"a "b\"c" "d\e" '' "#, &["a", "b\"c", "d\\e", ""]),
            ("a;b|c&d > e", &["a;b|c&d", ">", "e"]),
            ("a\"b\"c", &["abc"]),
            ("  ", &[]),
        ] {
            assert_eq!(words(line, false).unwrap(), expected, "{line}");
        }
        assert_eq!(words(r"C:\tools\sso.exe --x", true).unwrap(), [r"C:\tools\sso.exe", "--x"]);
        for line in ["a 'b", "a \"b", "a \\"] {
            assert_eq!(words(line, false), None, "{line}");
        }
    }

    #[test]
    fn what_is_printed_is_read_and_never_shown() {
        let ak = br#"{"mode":"AK","access_key_id":"id","access_key_secret":"planted"}"#;
        assert_eq!(read(ak).unwrap().credentials, Credentials::new("id", "planted"));
        let sts = br#"{"mode":"StsToken","access_key_id":"id","access_key_secret":"planted","sts_token":"planted",
            "expiration":"2026-11-26T10:00:00Z"}"#;
        assert!(read(sts).unwrap().expiration.is_some());
        for (printed, says) in [
            (&b"planted"[..], "printed what is no JSON"),
            (br#"{"mode":"AK","access_key_id":"planted"}"#, "printed no access_key_secret"),
            (br#"{"mode":"StsToken","access_key_id":"id","access_key_secret":"planted"}"#, "printed no sts_token"),
            (br#"{"mode":"planted"}"#, "printed a mode that is neither AK nor StsToken"),
            (br#"{"Code":"Expired"}"#, "printed no mode, but Expired"),
        ] {
            assert_eq!(read(printed).unwrap_err(), says);
        }
    }

    #[test]
    fn a_program_is_not_shown_with_its_arguments_and_can_be_forbidden() {
        let external = External::new("sso --secret planted", &Settings::default(), "x").unwrap();
        assert_eq!(format!("{external:?}"), r#"External(Some("sso"))"#);
        let error = External::new("sso", &Settings::from_pairs([(DISABLED, "true")]), "x").unwrap_err();
        assert!(error.problem.contains(DISABLED), "{error}");
        assert!(External::new(" ", &Settings::default(), "x").is_err());
    }
}
