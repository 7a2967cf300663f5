//! Queries of Log Service: a search, and SQL over the records that it finds.
//!
//! This is the part of the language that the queries in `template.yml` use. Anything else is an error, so that no query
//! means one thing here and another in Log Service. By the query syntax and the SQL of its documentation; the SQL is that
//! of Presto.

mod search;
mod sql;

use serde_json::{Map, Value as Json};

use search::Search;

/// A field of a record, or a cell of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Number(f64),
    Text(String),
}

impl Value {
    pub(crate) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            // The counts and sums here are whole numbers.
            Self::Number(number) if number.fract() == 0.0 => Json::from(*number as i64),
            Self::Number(number) => Json::from(*number),
            Self::Text(text) => Json::from(text.as_str()),
        }
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Number(number) => number.as_f64().map_or(Self::Null, Self::Number),
            Json::String(text) => Self::Text(text.clone()),
            Json::Bool(bool) => Self::Text(bool.to_string()),
            Json::Null | Json::Array(_) | Json::Object(_) => Self::Null,
        }
    }
}

/// Records, or the rows of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Table {
    /// Returns the number of a column.
    ///
    /// # Errors
    /// There is no such column, so that Log Service would find nothing.
    pub(crate) fn column(&self, name: &str) -> Result<usize, String> {
        let found = self.columns.iter().position(|column| column == name);
        found.ok_or_else(|| format!("there is no {name:?}: it has no index, or no such alias was given"))
    }

    /// Returns the rows as objects.
    pub(crate) fn to_json(&self) -> Vec<Map<String, Json>> {
        let object =
            |row: &Vec<Value>| self.columns.iter().cloned().zip(row.iter().map(Value::to_json)).collect::<Map<_, _>>();
        self.rows.iter().map(object).collect()
    }
}

/// Answers a query over records.
///
/// # Errors
/// The query is not understood, or names a field without an index.
pub(crate) fn run(query: &str, log: &Table) -> Result<Table, String> {
    let (text, statement) = query.split_once('|').map_or((query, None), |(text, sql)| (text, Some(sql)));
    let search = Search::parse(text)?;
    let mut found = Table { columns: log.columns.clone(), rows: Vec::new() };
    for row in &log.rows {
        if search.matches(log, row)? {
            found.rows.push(row.clone());
        }
    }
    // Fields are checked even if there is no record yet.
    search.check(log)?;
    statement.map_or(Ok(found.clone()), |statement| sql::run(statement, &found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn log(records: &[Json]) -> Table {
        let columns = ["__time__", "level", "code", "account", "n"].map(str::to_owned);
        let row = |record: &Json| columns.iter().map(|column| Value::from(&record[column])).collect();
        Table { rows: records.iter().map(row).collect(), columns: columns.into() }
    }

    fn records() -> Table {
        log(&[
            json!({"__time__": 10, "level": "WARN", "code": "Forbidden.RAM", "account": "1", "n": 3}),
            json!({"__time__": 20, "level": "INFO", "code": "", "account": "2", "n": 4}),
            json!({"__time__": 30, "level": "warn", "account": "1", "n": 0}),
        ])
    }

    fn answer(query: &str) -> Json {
        json!(run(query, &records()).unwrap().to_json())
    }

    fn found(search: &str) -> Vec<f64> {
        let found = run(search, &records()).unwrap();
        found.rows.iter().map(|row| row[0].number().unwrap()).collect()
    }

    #[test]
    fn a_search_finds_records_by_words_prefixes_and_numbers() {
        for (search, expected) in [
            ("*", vec![10.0, 20.0, 30.0]),
            ("level: WARN", vec![10.0, 30.0]),
            ("level: warn and account: 1", vec![10.0, 30.0]),
            ("level: warn not code: Forbidden*", vec![30.0]),
            ("not level: warn", vec![20.0]),
            ("account: 2 or level: warn and code: Forbidden.RAM", vec![10.0, 20.0]),
            ("(account: 2 or level: warn) and code: Forbidden.RAM", vec![10.0]),
            ("n > 3", vec![20.0]),
            ("n >= 3 and n < 4", vec![10.0]),
            ("account: \"2\"", vec![20.0]),
            ("code: Forbidden", vec![]),
        ] {
            assert_eq!(found(search), expected, "{search}");
        }
    }

    #[test]
    fn sql_counts_sums_and_groups() {
        for (query, expected) in [
            ("* | select count(*) as n", json!([{"n": 3}])),
            ("account: 3 | select count(*) as n, sum(n) as s", json!([{"n": 0, "s": null}])),
            (
                "* | select account, sum(n) as s, max(n) as m group by account order by s desc limit 1",
                json!([{"account": "2", "s": 4, "m": 4}]),
            ),
            (
                "* | select account as a, max_by(n, __time__) as latest group by a order by a",
                json!([{"a": "1", "latest": 0}, {"a": "2", "latest": 4}]),
            ),
            (
                "* | select sum(x) * 2 - count(*) as n from (select account, max_by(n, __time__) as x from log group by account)",
                json!([{"n": 6}]),
            ),
            (
                "* | select coalesce(nullif(code, ''), level, 'none') as c, count(*) as n group by c order by c limit 10",
                json!([{"c": "Forbidden.RAM", "n": 1}, {"c": "INFO", "n": 1}, {"c": "warn", "n": 1}]),
            ),
            (
                "* | select date_trunc('minute', __time__) as t, count(*) as n group by t",
                json!([{"t": "1970-01-01T00:00:00Z", "n": 3}]),
            ),
            ("* | select n from log where n > 3", json!([{"n": 4}])),
            (
                "* | select count(distinct account) as accounts, count(distinct code) as codes, count(*) as n",
                json!([{"accounts": 2, "codes": 2, "n": 3}]),
            ),
            (
                "* | select account, count_if(level = 'WARN') as w, count_if(code = 'x') as x group by account order by account",
                json!([{"account": "1", "w": 1, "x": 0}, {"account": "2", "w": 0, "x": 0}]),
            ),
        ] {
            assert_eq!(answer(query), expected, "{query}");
        }
    }

    #[test]
    fn what_is_missing_is_neither_true_nor_false() {
        for (condition, expected) in [
            ("code = 'x'", 0),
            ("code <> 'x'", 2),
            ("code not in ('x')", 2),
            ("code <> 'x' or n = 0", 3),
            ("code is null", 1),
            ("code is not null", 2),
            ("not (code = 'x')", 2),
        ] {
            let query = format!("* | select count(*) as n from log where {condition}");
            assert_eq!(answer(&query), json!([{"n": expected}]), "{condition}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for query in [
            "",
            "level",
            "level: warn and",
            "level: a*b",
            "level: (a or b)",
            "(level: a",
            "nothing: a",
            "nothing > 1",
            "level > warn",
            "* | delete from log",
            "* | select *",
            "* | select nothing",
            "* | select level, count(*)",
            "* | select level, count(*) as n",
            "* | select count(*) as n from other",
            "* | select count(*) as n from log as l join log as m on l.n = m.n",
            "* | select count(*) as n group by level having count(*) > 1",
            "* | select distinct level as l",
            "* | select count(distinct nothing) as n",
            "* | select count(distinct level, n) as n",
            "* | select sum(distinct n) as n",
            "* | select coalesce(distinct n) as n",
            "* | select count(*) filter (where n > 1) as n",
            "* | select sum(count(*)) as n",
            "* | select approx_distinct(level) as n",
            "* | select sum(level) as n",
            "* | select count_if(n) as n",
            "* | select count_if(nothing = 1) as n",
            "* | select n / 2 as n",
            "* | select count(*) as n order by count(*)",
            "* | select count(*) as n limit 1, 2",
            "* | select count(*) as n limit many",
            "* | select date_trunc('century', __time__) as t",
            "* | select count(*) as n union select 1 as n",
        ] {
            assert!(run(query, &records()).is_err(), "{query}: {:?}", run(query, &records()));
        }
    }

    #[test]
    fn a_query_is_refused_without_any_record_too() {
        let empty = Table { rows: Vec::new(), ..records() };
        for query in
            ["nothing: a", "level: a and nothing: b", "* | select nothing as n", "* | select sum(nothing) as n"]
        {
            assert!(run(query, &empty).is_err(), "{query}");
        }
    }

    #[test]
    fn an_answer_without_a_limit_has_a_hundred_rows() {
        let many: Vec<_> = (0..150).map(|n| json!({"__time__": n, "n": n})).collect();
        let answer = |query| run(query, &log(&many)).unwrap().rows.len();
        assert_eq!((answer("* | select n"), answer("* | select n limit 120"), answer("*")), (100, 120, 150));
    }

    #[test]
    fn a_quoted_value_is_found_as_a_whole() {
        let records =
            log(&[json!({"__time__": 1, "code": "2026-01-01T00:07:00Z"}), json!({"__time__": 2, "code": "x"})]);
        let found = |search: &str| run(search, &records).map(|table| table.rows.len());
        assert_eq!(found(r#"code: "2026-01-01T00:07:00Z""#), Ok(1));
        assert_eq!(found(r#"code: "2026-01-01T00:08:00Z""#), Ok(0));
        assert!(found(r#"code: "07:2026-01-01T00""#).unwrap_err().contains("how the index splits it"));
    }

    #[test]
    fn a_value_that_matches_only_if_the_index_splits_it_is_refused() {
        let log = log(&[json!({"__time__": 1, "level": "a b"})]);
        assert!(run("level: a", &log).unwrap_err().contains("splits"));
        assert_eq!(run("level: c", &log).unwrap().rows.len(), 0);
    }
}
