//! The search before the `|`.

use super::{Table, Value};

/// What separates the words of a field, in the index of the template.
const DELIMITERS: &[char] =
    &[',', ' ', '\'', '"', ';', '=', '(', ')', '[', ']', '{', '}', '?', '@', '&', '<', '>', '/', ':', '\n', '\t', '\r'];

/// A search. `not` and `and` bind closer than `or`.
#[derive(Debug, PartialEq)]
pub(super) enum Search {
    All,
    /// Any of them, or all of them.
    Or(Vec<Self>),
    And(Vec<Self>),
    Not(Box<Self>),
    /// A field is this word, or begins with it.
    Word {
        field: String,
        word: String,
        is_prefix: bool,
    },
    /// A field compares to this number.
    Number {
        field: String,
        comparison: Comparison,
        number: f64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Colon,
    Comparison(Comparison),
    Word(String),
    Quoted(String),
}

impl Search {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens };
        let search = parser.or()?;
        match parser.tokens {
            [] => Ok(search),
            rest => Err(format!("the search is not understood from {rest:?} on")),
        }
    }

    /// Checks that each field can be searched.
    pub(super) fn check(&self, table: &Table) -> Result<(), String> {
        match self {
            Self::All => Ok(()),
            Self::Or(parts) | Self::And(parts) => parts.iter().try_for_each(|part| part.check(table)),
            Self::Not(part) => part.check(table),
            Self::Word { field, .. } | Self::Number { field, .. } => table.column(field).map(drop),
        }
    }

    pub(super) fn matches(&self, table: &Table, row: &[Value]) -> Result<bool, String> {
        match self {
            Self::All => Ok(true),
            Self::Or(parts) => parts.iter().try_fold(false, |found, part| Ok(part.matches(table, row)? || found)),
            Self::And(parts) => parts.iter().try_fold(true, |found, part| Ok(part.matches(table, row)? && found)),
            Self::Not(part) => Ok(!part.matches(table, row)?),
            Self::Word { field, word, is_prefix } => match &row[table.column(field)?] {
                Value::Text(text) => is_word(text, word, *is_prefix),
                Value::Number(number) => Ok(number.to_string() == *word),
                Value::Null => Ok(false),
            },
            Self::Number { field, comparison, number } => {
                let found = row[table.column(field)?].number();
                Ok(found.is_some_and(|found| comparison.holds(found, *number)))
            }
        }
    }
}

/// Returns whether a field is this word, in any case.
///
/// # Errors
/// That depends on whether the index splits the field into words.
fn is_word(text: &str, word: &str, is_prefix: bool) -> Result<bool, String> {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    if word.contains(DELIMITERS) {
        // The index splits what is searched for as well, and each part has to be there.
        let has = |part: &str| part.is_empty() || text.split(DELIMITERS).any(|of_text| of_text == part);
        return match word.split(DELIMITERS).all(has) {
            all if all == (text == word) => Ok(all),
            _ => Err(format!("whether {text:?} is {word:?} depends on how the index splits it")),
        };
    }
    let is = |part: &str| if is_prefix { part.starts_with(&word) } else { part == word };
    if is(&text) {
        return Ok(true);
    }
    if text.split(DELIMITERS).any(is) {
        return Err(format!("whether {text:?} is {word:?} depends on how the index splits it"));
    }
    Ok(false)
}

impl Comparison {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => (left - right).abs() < f64::EPSILON,
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ':' => (Token::Colon, 1),
            '>' if rest.starts_with(">=") => (Token::Comparison(Comparison::AtLeast), 2),
            '<' if rest.starts_with("<=") => (Token::Comparison(Comparison::AtMost), 2),
            '>' => (Token::Comparison(Comparison::More), 1),
            '<' => (Token::Comparison(Comparison::Less), 1),
            '=' => (Token::Comparison(Comparison::Equal), 1),
            '"' => {
                let (quoted, _) = rest[1..].split_once('"').ok_or("a quotation mark is not closed")?;
                (Token::Quoted(quoted.to_owned()), quoted.len() + 2)
            }
            _ => {
                let end = rest.find(DELIMITERS).unwrap_or(rest.len());
                if end == 0 {
                    return Err(format!("{first:?} is not understood in a search"));
                }
                (Token::Word(rest[..end].to_owned()), end)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser<'t> {
    tokens: &'t [Token],
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    /// Takes a keyword, if it is next.
    fn takes(&mut self, keyword: &str) -> bool {
        let is_next = matches!(self.tokens.first(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if is_next {
            self.tokens = &self.tokens[1..];
        }
        is_next
    }

    fn or(&mut self) -> Result<Search, String> {
        let mut parts = vec![self.and()?];
        while self.takes("or") {
            parts.push(self.and()?);
        }
        Ok(only_or(parts, Search::Or))
    }

    fn and(&mut self) -> Result<Search, String> {
        let mut parts = vec![self.not()?];
        loop {
            // `a not b` is `a and not b`.
            let is_not = matches!(self.tokens.first(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("not"));
            if !(self.takes("and") || is_not) {
                return Ok(only_or(parts, Search::And));
            }
            parts.push(self.not()?);
        }
    }

    fn not(&mut self) -> Result<Search, String> {
        if self.takes("not") { Ok(Search::Not(Box::new(self.term()?))) } else { self.term() }
    }

    fn term(&mut self) -> Result<Search, String> {
        let field = match self.next() {
            Some(Token::Open) => {
                let inner = self.or()?;
                return match self.next() {
                    Some(Token::Close) => Ok(inner),
                    found => Err(format!("a parenthesis is not closed before {found:?}")),
                };
            }
            Some(Token::Word(word)) if word == "*" => return Ok(Search::All),
            // A name with a hyphen may be quoted.
            Some(Token::Word(word) | Token::Quoted(word)) => word,
            found => return Err(format!("{found:?} is not a condition")),
        };
        match (self.next(), self.next()) {
            (Some(Token::Colon), Some(Token::Word(word))) => {
                let (word, is_prefix) = word.strip_suffix('*').map_or((word.as_str(), false), |word| (word, true));
                if word.is_empty() || word.contains(['*', '?', '\\']) {
                    return Err(format!("{field}: only a * after a word is understood"));
                }
                Ok(Search::Word { field, word: word.to_owned(), is_prefix })
            }
            (Some(Token::Colon), Some(Token::Quoted(word))) if !word.is_empty() => {
                Ok(Search::Word { field, word, is_prefix: false })
            }
            (Some(Token::Comparison(comparison)), Some(Token::Word(number))) => {
                let number = number.parse().map_err(|_| format!("{field}: {number:?} is not a number"))?;
                Ok(Search::Number { field, comparison, number })
            }
            found => Err(format!("{field}: {found:?} is not understood")),
        }
    }
}

fn only_or(mut parts: Vec<Search>, many: fn(Vec<Search>) -> Search) -> Search {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}
