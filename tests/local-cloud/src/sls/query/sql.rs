//! The SQL after the `|`.

use jiff::{Timestamp, Unit, tz::TimeZone};
use sqlparser::{
    ast::{
        BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
        GroupByExpr, Ident, InTarget, LimitClause, OrderByKind, OrderByOptions, OrderBySort, Query, Select, SelectItem,
        SetExpr, Statement, TableFactor, UnaryOperator, Value as Literal,
    },
    dialect::GenericDialect,
    parser::Parser,
};

use super::{Table, Value};

/// How many rows an answer has if the query does not say.
const DEFAULT_LIMIT: usize = 100;
/// The functions that take many rows to one value.
const AGGREGATES: [&str; 5] = ["count", "count_if", "sum", "max", "max_by"];

type Evaluated<T> = Result<T, String>;

/// Runs a statement over the records of `log`.
pub(super) fn run(sql: &str, log: &Table) -> Evaluated<Table> {
    let statements = Parser::parse_sql(&GenericDialect {}, sql).map_err(|error| error.to_string())?;
    match statements.as_slice() {
        [Statement::Query(query)] => run_query(query, log),
        _ => Err("only one SELECT is understood".to_owned()),
    }
}

fn run_query(query: &Query, log: &Table) -> Evaluated<Table> {
    let SetExpr::Select(select) = &*query.body else { return Err(format!("{} is not a SELECT", query.body)) };
    let mut known = select.to_string();
    let mut answer = run_select(select, log)?;
    if let Some(order) = &query.order_by {
        known.push_str(&format!(" {order}"));
        let OrderByKind::Expressions(parts) = &order.kind else { return Err(format!("{order} is not understood")) };
        // The last first, because sorting keeps the order of equal rows.
        for by in parts.iter().rev() {
            let column = answer.column(&name(&by.expr)?)?;
            let is_descending = match &by.options {
                OrderByOptions { sort: None | Some(OrderBySort::Asc), nulls_first: None } => false,
                OrderByOptions { sort: Some(OrderBySort::Desc), nulls_first: None } => true,
                _ => return Err(format!("{by} is not understood")),
            };
            answer.rows.sort_by(|left, right| {
                let (left, right) = (&left[column], &right[column]);
                let are_there = *left != Value::Null && *right != Value::Null;
                // Missing values come last in both directions.
                if is_descending && are_there { compare(right, left) } else { compare(left, right) }
            });
        }
    }
    let mut limit = DEFAULT_LIMIT;
    if let Some(LimitClause::LimitOffset { limit: Some(rows), offset: None, .. }) = &query.limit_clause {
        known.push_str(&format!(" LIMIT {rows}"));
        limit = rows.to_string().parse().map_err(|_| format!("{rows} is not a number of rows"))?;
    }
    understood(&known, &query.to_string())?;
    answer.rows.truncate(limit);
    Ok(answer)
}

/// Checks that a part of the statement says nothing else than what was understood of it.
fn understood(known: &str, whole: &str) -> Evaluated<()> {
    if known == whole { Ok(()) } else { Err(format!("only {known:?} of {whole:?} is understood")) }
}

fn run_select(select: &Select, log: &Table) -> Evaluated<Table> {
    let mut known = "SELECT ".to_owned();
    let items: Vec<String> = select.projection.iter().map(ToString::to_string).collect();
    known.push_str(&items.join(", "));
    let columns = select.projection.iter().map(column).collect::<Evaluated<Vec<(String, &Expr)>>>()?;
    let source = match select.from.as_slice() {
        [] => log.clone(),
        [from] => {
            known.push_str(&format!(" FROM {from}"));
            match &from.relation {
                _ if from.to_string() == "log" => log.clone(),
                TableFactor::Derived { lateral: false, subquery, sample: None, .. } if from.joins.is_empty() => {
                    run_query(subquery, log)?
                }
                _ => return Err(format!("FROM {from} is not understood")),
            }
        }
        _ => return Err("only one FROM is understood".to_owned()),
    };
    let mut rows: Vec<&[Value]> = source.rows.iter().map(Vec::as_slice).collect();
    if let Some(condition) = &select.selection {
        known.push_str(&format!(" WHERE {condition}"));
        let mut kept = Vec::new();
        for row in rows {
            if holds(condition, &Scope { source: &source, of: Of::Row(row) })? == Some(true) {
                kept.push(row);
            }
        }
        rows = kept;
    }
    let GroupByExpr::Expressions(keys, _) = &select.group_by else {
        return Err("GROUP BY ALL is not understood".into());
    };
    if !keys.is_empty() {
        let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
        known.push_str(&format!(" GROUP BY {}", names.join(", ")));
    }
    understood(&known, &select.to_string())?;

    let names = columns.iter().map(|(name, _)| name.clone()).collect();
    let is_grouped = !keys.is_empty() || columns.iter().any(|(_, expr)| has_aggregate(expr));
    let mut answer = Table { columns: names, rows: Vec::new() };
    if !is_grouped {
        let nothing = vec![Value::Null; source.columns.len()];
        for (_, expr) in &columns {
            value(expr, &Scope { source: &source, of: Of::Row(&nothing) })?;
        }
        for row in rows {
            let scope = Scope { source: &source, of: Of::Row(row) };
            answer.rows.push(columns.iter().map(|(_, expr)| value(expr, &scope)).collect::<Evaluated<_>>()?);
        }
        return Ok(answer);
    }
    // A key is a column of the source, or the alias of an expression.
    let keys: Vec<&Expr> = keys
        .iter()
        .map(|key| {
            let alias = name(key).ok().filter(|name| source.column(name).is_err());
            columns.iter().find(|(name, _)| Some(name) == alias.as_ref()).map_or(key, |(_, expr)| *expr)
        })
        .collect();
    let mut groups: Vec<(Vec<Value>, Vec<&[Value]>)> = Vec::new();
    if keys.is_empty() {
        groups.push((Vec::new(), rows.clone()));
    } else {
        for row in &rows {
            let scope = Scope { source: &source, of: Of::Row(row) };
            let key: Vec<Value> = keys.iter().map(|key| value(key, &scope)).collect::<Evaluated<_>>()?;
            match groups.iter_mut().find(|(of, _)| *of == key) {
                Some((_, members)) => members.push(row),
                None => groups.push((key, vec![row])),
            }
        }
    }
    let evaluate = |key: &[Value], members: &[&[Value]]| -> Evaluated<Vec<Value>> {
        let scope = Scope { source: &source, of: Of::Group { keys: &keys, key, members } };
        columns.iter().map(|(_, expr)| value(expr, &scope)).collect()
    };
    // Names are checked without any record, too.
    evaluate(&vec![Value::Null; keys.len()], &[])?;
    for (key, members) in &groups {
        answer.rows.push(evaluate(key, members)?);
    }
    Ok(answer)
}

/// Returns the name and the expression of a column of the answer.
fn column(item: &SelectItem) -> Evaluated<(String, &Expr)> {
    match item {
        SelectItem::ExprWithAlias { expr, alias } => Ok((alias.value.clone(), expr)),
        SelectItem::UnnamedExpr(expr) => Ok((name(expr)?, expr)),
        _ => Err(format!("{item} is not understood")),
    }
}

/// Returns the name that an expression is.
fn name(expr: &Expr) -> Evaluated<String> {
    match expr {
        Expr::Identifier(Ident { value, .. }) => Ok(value.clone()),
        _ => Err(format!("{expr} has no name: give it one with AS")),
    }
}

/// What an expression is evaluated for.
struct Scope<'a> {
    source: &'a Table,
    of: Of<'a>,
}

#[derive(Clone, Copy)]
enum Of<'a> {
    Row(&'a [Value]),
    Group { keys: &'a [&'a Expr], key: &'a [Value], members: &'a [&'a [Value]] },
}

fn value(expr: &Expr, scope: &Scope<'_>) -> Evaluated<Value> {
    if let Of::Group { keys, key, .. } = scope.of
        && let Some(nth) = keys.iter().position(|known| *known == expr)
    {
        return Ok(key[nth].clone());
    }
    match expr {
        Expr::Nested(inner) => value(inner, scope),
        Expr::Identifier(Ident { value: column, .. }) => match scope.of {
            Of::Row(row) => Ok(row[scope.source.column(column)?].clone()),
            Of::Group { .. } => Err(format!("{expr} is neither in an aggregate nor in GROUP BY")),
        },
        Expr::Value(literal) => match &literal.value {
            Literal::Number(number, _) => {
                number.parse().map(Value::Number).map_err(|_| format!("{number} is not a number"))
            }
            Literal::SingleQuotedString(text) => Ok(Value::Text(text.clone())),
            Literal::Null => Ok(Value::Null),
            _ => Err(format!("{expr} is not understood")),
        },
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (number(&value(left, scope)?, left)?, number(&value(right, scope)?, right)?);
            let (Some(left), Some(right)) = (left, right) else { return Ok(Value::Null) };
            match op {
                BinaryOperator::Plus => Ok(Value::Number(left + right)),
                BinaryOperator::Minus => Ok(Value::Number(left - right)),
                BinaryOperator::Multiply => Ok(Value::Number(left * right)),
                BinaryOperator::Modulo if right != 0.0 => Ok(Value::Number(left % right)),
                // Division differs for whole numbers.
                _ => Err(format!("{op} is not understood")),
            }
        }
        Expr::Function(function) => call(function, scope),
        _ => Err(format!("{expr} is not understood")),
    }
}

/// Returns the number that a value is, or `None` for a missing one.
fn number(value: &Value, expr: &Expr) -> Evaluated<Option<f64>> {
    match value {
        Value::Number(number) => Ok(Some(*number)),
        Value::Null => Ok(None),
        Value::Text(_) => Err(format!("{expr} is not a number")),
    }
}

fn has_aggregate(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) => {
            AGGREGATES.contains(&function.name.to_string().to_lowercase().as_str())
                || arguments(function).is_ok_and(|arguments| {
                    arguments.iter().any(|argument| matches!(argument, Argument::Expr(inner) if has_aggregate(inner)))
                })
        }
        Expr::BinaryOp { left, right, .. } => has_aggregate(left) || has_aggregate(right),
        Expr::Nested(inner) => has_aggregate(inner),
        _ => false,
    }
}

/// An argument of a function.
#[derive(Clone, Copy)]
enum Argument<'a> {
    /// `*`
    All,
    Expr(&'a Expr),
    /// The values of an expression, each once.
    Distinct(&'a Expr),
}

fn arguments(function: &Function) -> Evaluated<Vec<Argument<'_>>> {
    let not_understood = || format!("{function} is not understood");
    let FunctionArguments::List(list) = &function.args else { return Err(not_understood()) };
    let is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let argument = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Ok(Argument::All),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_distinct => Ok(Argument::Distinct(expr)),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(Argument::Expr(expr)),
        _ => Err(not_understood()),
    };
    let texts: Vec<String> = list.args.iter().map(ToString::to_string).collect();
    let distinct = if is_distinct { "DISTINCT " } else { "" };
    understood(&format!("{}({distinct}{})", function.name, texts.join(", ")), &function.to_string())?;
    list.args.iter().map(argument).collect()
}

fn call(function: &Function, scope: &Scope<'_>) -> Evaluated<Value> {
    let name = function.name.to_string().to_lowercase();
    let arguments = arguments(function)?;
    if AGGREGATES.contains(&name.as_str()) {
        let Of::Group { members, .. } = scope.of else { return Err(format!("{function} has no rows to take")) };
        return aggregate(&name, &arguments, function, scope.source, members);
    }
    let values = arguments
        .iter()
        .map(|argument| match argument {
            Argument::Expr(expr) => value(expr, scope),
            Argument::All | Argument::Distinct(_) => Err(format!("{function} is not understood")),
        })
        .collect::<Evaluated<Vec<_>>>()?;
    match (name.as_str(), values.as_slice()) {
        ("coalesce", values) => Ok(values.iter().find(|value| **value != Value::Null).cloned().unwrap_or(Value::Null)),
        ("nullif", [value, other]) => Ok(if value == other { Value::Null } else { value.clone() }),
        ("date_trunc", [Value::Text(unit), seconds]) => {
            let unit = match unit.as_str() {
                "minute" => Unit::Minute,
                "hour" => Unit::Hour,
                "day" => Unit::Day,
                _ => return Err(format!("{unit:?} is not a unit that is understood")),
            };
            Ok(seconds.number().and_then(|seconds| truncated(seconds, unit)).map_or(Value::Null, Value::Text))
        }
        _ => Err(format!("{function} is not understood")),
    }
}

/// Returns the beginning of the minute, hour or day, in UTC.
fn truncated(seconds: f64, unit: Unit) -> Option<String> {
    let time = Timestamp::from_second(seconds as i64).ok()?.to_zoned(TimeZone::UTC);
    let rounding = jiff::ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Trunc);
    Some(time.round(rounding).ok()?.timestamp().to_string())
}

fn aggregate(
    name: &str,
    arguments: &[Argument<'_>],
    function: &Function,
    source: &Table,
    members: &[&[Value]],
) -> Evaluated<Value> {
    let of_rows = |expr: &Expr| -> Evaluated<Vec<Value>> {
        // Names are checked without any row, too.
        let nothing = vec![Value::Null; source.columns.len()];
        value(expr, &Scope { source, of: Of::Row(&nothing) })?;
        members.iter().map(|row| value(expr, &Scope { source, of: Of::Row(row) })).collect()
    };
    match (name, arguments) {
        ("count", [Argument::All]) => Ok(Value::Number(members.len() as f64)),
        ("count", [Argument::Distinct(expr)]) => {
            let mut values = of_rows(expr)?;
            values.retain(|value| *value != Value::Null);
            values.sort_by(compare);
            values.dedup();
            Ok(Value::Number(values.len() as f64))
        }
        ("count_if", [Argument::Expr(condition)]) => {
            // Names are checked without any row, too.
            holds(condition, &Scope { source, of: Of::Row(&vec![Value::Null; source.columns.len()]) })?;
            let mut count = 0.0;
            for row in members {
                if holds(condition, &Scope { source, of: Of::Row(row) })? == Some(true) {
                    count += 1.0;
                }
            }
            Ok(Value::Number(count))
        }
        ("sum", [Argument::Expr(expr)]) => {
            let mut sum = None;
            for value in of_rows(expr)? {
                if let Some(number) = number(&value, expr)? {
                    sum = Some(sum.unwrap_or(0.0) + number);
                }
            }
            Ok(sum.map_or(Value::Null, Value::Number))
        }
        ("max", [Argument::Expr(expr)]) => {
            let values = of_rows(expr)?.into_iter().filter(|value| *value != Value::Null);
            Ok(values.max_by(compare).unwrap_or(Value::Null))
        }
        ("max_by", [Argument::Expr(expr), Argument::Expr(by)]) => {
            let pairs = of_rows(expr)?.into_iter().zip(of_rows(by)?).filter(|(_, by)| *by != Value::Null);
            Ok(pairs.max_by(|(_, left), (_, right)| compare(left, right)).map_or(Value::Null, |(value, _)| value))
        }
        _ => Err(format!("{function} is not understood")),
    }
}

/// Orders values. Missing ones come last.
fn compare(left: &Value, right: &Value) -> std::cmp::Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.total_cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (left, right) => (*left == Value::Null).cmp(&(*right == Value::Null)),
    }
}

/// Returns whether a condition holds; `None` if a missing value leaves that open.
fn holds(condition: &Expr, scope: &Scope<'_>) -> Evaluated<Option<bool>> {
    match condition {
        Expr::Nested(inner) => holds(inner, scope),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(holds(expr, scope)?.map(|holds| !holds)),
        Expr::IsNull(expr) => Ok(Some(value(expr, scope)? == Value::Null)),
        Expr::IsNotNull(expr) => Ok(Some(value(expr, scope)? != Value::Null)),
        Expr::In { expr, target: InTarget::List(list), negated, global: false } => {
            let found = value(expr, scope)?;
            let listed = list.iter().map(|item| value(item, scope)).collect::<Evaluated<Vec<_>>>()?;
            Ok((found != Value::Null).then(|| listed.contains(&found) != *negated))
        }
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => match (holds(left, scope)?, holds(right, scope)?) {
            (Some(false), _) | (_, Some(false)) => Ok(Some(false)),
            (Some(true), Some(true)) => Ok(Some(true)),
            _ => Ok(None),
        },
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => match (holds(left, scope)?, holds(right, scope)?) {
            (Some(true), _) | (_, Some(true)) => Ok(Some(true)),
            (Some(false), Some(false)) => Ok(Some(false)),
            _ => Ok(None),
        },
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (value(left, scope)?, value(right, scope)?);
            if [&left, &right].contains(&&Value::Null) {
                return Ok(None);
            }
            if matches!((&left, &right), (Value::Number(_), Value::Text(_)) | (Value::Text(_), Value::Number(_))) {
                return Err(format!("{condition} compares a number to a text"));
            }
            let order = compare(&left, &right);
            match op {
                BinaryOperator::Eq => Ok(Some(order.is_eq())),
                BinaryOperator::NotEq => Ok(Some(order.is_ne())),
                BinaryOperator::Gt => Ok(Some(order.is_gt())),
                BinaryOperator::GtEq => Ok(Some(order.is_ge())),
                BinaryOperator::Lt => Ok(Some(order.is_lt())),
                BinaryOperator::LtEq => Ok(Some(order.is_le())),
                _ => Err(format!("{op} is not understood")),
            }
        }
        _ => Err(format!("{condition} is not understood")),
    }
}
