//! Resolves `Ref`, functions such as `Fn::Sub` and `Fn::If`, and conditions when a value is read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{parameters, template::TemplateError};

/// Maximum depth of references. Deeper ones are assumed to be circular.
const MAX_DEPTH: usize = 32;

type Resolved<T> = Result<T, TemplateError>;

/// A template with the values that it can refer to.
pub(super) struct Resolver {
    document: Value,
    values: BTreeMap<String, String>,
}

/// One resource of a template.
pub(super) struct Resource<'a> {
    resolver: &'a Resolver,
    id: &'a str,
    properties: &'a Value,
}

fn error<T>(place: &str, problem: impl Into<String>) -> Resolved<T> {
    Err(TemplateError { place: place.to_owned(), problem: problem.into() })
}

impl Resolver {
    pub(super) fn new(
        document: Value,
        given: &BTreeMap<String, String>,
        account: &str,
        region: &str,
    ) -> Resolved<Self> {
        let pseudo = [("TenantId", account), ("AccountId", account), ("Region", region), ("StackName", "local")];
        let mut values: BTreeMap<String, String> =
            pseudo.iter().map(|(name, value)| (format!("ALIYUN::{name}"), (*value).to_owned())).collect();
        let nothing = serde_json::Map::new();
        let declared = document["Parameters"].as_object().unwrap_or(&nothing);
        values.extend(parameters::values(declared, given)?);
        Ok(Self { document, values })
    }

    /// Returns the resources of a type whose condition holds.
    pub(super) fn resources(&self, kind: &str) -> Resolved<Vec<Resource<'_>>> {
        let mut found = Vec::new();
        for (id, resource) in self.document["Resources"].as_object().into_iter().flatten() {
            let place = format!("Resources.{id}.Condition");
            let exists = match resource.get("Condition") {
                Some(condition) => self.condition(condition, &place, 0)?,
                None => true,
            };
            if exists && resource["Type"] == kind {
                found.push(Resource { resolver: self, id, properties: &resource["Properties"] });
            }
        }
        Ok(found)
    }

    /// Returns the resources of a type whose condition does not hold, and the parameters that would make it hold.
    pub(super) fn absent(&self, kind: &str) -> Resolved<Vec<(Resource<'_>, String)>> {
        let mut found = Vec::new();
        for resource in self.declared(kind) {
            let place = format!("Resources.{}.Condition", resource.id);
            let Some(condition) = self.document["Resources"][resource.id].get("Condition") else { continue };
            if let Some(needed) = self.needed(condition, true, &place, 0)? {
                found.push((resource, needed));
            }
        }
        Ok(found)
    }

    /// Returns the parameters that would give a condition this value; `None` if it already has it.
    fn needed(&self, condition: &Value, value: bool, place: &str, depth: usize) -> Resolved<Option<String>> {
        if self.condition(condition, place, depth)? == value {
            return Ok(None);
        }
        if let Value::String(name) = condition {
            return self.needed(&self.document["Conditions"][name], value, place, depth + 1);
        }
        let (function, argument) = match condition.as_object().and_then(|members| members.iter().next()) {
            Some((function, argument)) => (function.as_str(), argument),
            None => return error(place, "is not a condition"),
        };
        let parts = argument.as_array().map_or(std::slice::from_ref(argument), Vec::as_slice);
        if let ("Fn::Equals", [left, right]) = (function, parts) {
            let relation = if value { "=" } else { " other than " };
            let name = |part: &Value| part["Ref"].as_str().map_or_else(|| text_of(part), str::to_owned);
            return Ok(Some(format!("{}{relation}{}", name(left), name(right))));
        }
        let of_parts = if function == "Fn::Not" { !value } else { value };
        let needed = parts.iter().map(|part| self.needed(part, of_parts, place, depth + 1));
        let needed: Vec<String> = needed.collect::<Resolved<Vec<_>>>()?.into_iter().flatten().collect();
        Ok(Some(needed.join(if (function == "Fn::Or") == value { " or " } else { " and " })))
    }

    /// Returns the resources of a type, whether or not their condition holds.
    pub(super) fn declared(&self, kind: &str) -> Vec<Resource<'_>> {
        let all = self.document["Resources"].as_object().into_iter().flatten();
        let of_kind = all.filter(|(_, resource)| resource["Type"] == kind);
        of_kind.map(|(id, resource)| Resource { resolver: self, id, properties: &resource["Properties"] }).collect()
    }

    fn resolve(&self, value: &Value, place: &str, depth: usize) -> Resolved<Value> {
        if depth > MAX_DEPTH {
            return error(place, "the references are circular");
        }
        let deeper = |inner: &Value, at: &str| self.resolve(inner, at, depth + 1);
        match value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(n, item)| deeper(item, &format!("{place}[{n}]"))).collect()
            }
            Value::Object(members) => match call_of(value) {
                Some((name, to)) => self.call(name, to, place, depth + 1),
                None => {
                    let member = |(name, inner): (&String, &Value)| {
                        Ok((name.clone(), deeper(inner, &format!("{place}.{name}"))?))
                    };
                    let members = members.iter().map(member).collect::<Resolved<Vec<_>>>()?;
                    // `ALIYUN::NoValue` removes the member.
                    Ok(Value::Object(members.into_iter().filter(|(_, inner)| !inner.is_null()).collect()))
                }
            },
            plain => Ok(plain.clone()),
        }
    }

    fn call(&self, function: &str, argument: &Value, place: &str, depth: usize) -> Resolved<Value> {
        match (function, argument) {
            ("Ref", Value::String(name)) => self.reference(name, place, depth),
            ("Fn::GetAtt", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(id), Value::String(attribute)] => self.attribute(id, attribute, place, depth),
                _ => error(place, "Fn::GetAtt takes a resource and an attribute"),
            },
            ("Fn::Sub", Value::String(text)) => self.substitute(text, &Value::Null, place, depth).map(Value::String),
            ("Fn::Sub", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(text), own] => self.substitute(text, own, place, depth).map(Value::String),
                _ => error(place, "Fn::Sub takes a text and its own values"),
            },
            ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
                [condition, yes, no] => {
                    let holds = self.condition(condition, place, depth)?;
                    self.resolve(if holds { yes } else { no }, place, depth)
                }
                _ => error(place, "Fn::If takes a condition and two values"),
            },
            ("Fn::Join", Value::Array(parts)) => match self.resolve_all(parts, place, depth)?.as_slice() {
                [Value::String(between), Value::Array(items)] => {
                    Ok(items.iter().map(text_of).collect::<Vec<_>>().join(between).into())
                }
                _ => error(place, "Fn::Join takes a text and a list"),
            },
            ("Fn::Split", Value::Array(parts)) => match self.resolve_all(parts, place, depth)?.as_slice() {
                [Value::String(between), Value::String(text)] => {
                    Ok(text.split(between.as_str()).map(Value::from).collect())
                }
                _ => error(place, "Fn::Split takes two texts"),
            },
            ("Fn::Replace", Value::Array(parts)) => match self.resolve_all(parts, place, depth)?.as_slice() {
                [Value::Object(pairs), Value::String(text)] => {
                    let replace = |done: String, (from, to): (&String, &Value)| done.replace(from, &text_of(to));
                    Ok(pairs.iter().fold(text.clone(), replace).into())
                }
                _ => error(place, "Fn::Replace takes a mapping and a text"),
            },
            _ => error(place, format!("local-cloud does not support {function} in this form")),
        }
    }

    fn resolve_all(&self, parts: &[Value], place: &str, depth: usize) -> Resolved<Vec<Value>> {
        parts.iter().map(|part| self.resolve(part, place, depth)).collect()
    }

    fn reference(&self, name: &str, place: &str, depth: usize) -> Resolved<Value> {
        if name == "ALIYUN::NoValue" {
            return Ok(Value::Null);
        }
        if let Some(value) = self.values.get(name) {
            return Ok(Value::String(value.clone()));
        }
        if self.document["Parameters"].get(name).is_some() {
            return error(place, format!("the parameter {name} has no default and is not given"));
        }
        let Some(resource) = self.document["Resources"].get(name) else {
            return error(place, format!("{name:?} is neither a parameter nor a resource of the template"));
        };
        // A reference to a resource returns its name, for every type that is known here.
        let names = ["Name", "FunctionName", "LogstoreName", "QueueName", "RoleName"];
        match names.iter().find_map(|property| resource["Properties"].get(property)) {
            Some(value) => self.resolve(value, place, depth + 1),
            None => Ok(Value::String(name.to_owned())),
        }
    }

    fn attribute(&self, id: &str, attribute: &str, place: &str, depth: usize) -> Resolved<Value> {
        let Some(resource) = self.document["Resources"].get(id) else {
            return error(place, format!("{id:?} is not a resource of the template"));
        };
        let property = |name: &str| match resource["Properties"].get(name) {
            Some(value) => self.resolve(value, place, depth + 1),
            None => error(place, format!("{attribute} needs {name}, which {id} does not have")),
        };
        let (account, region) = (&self.values["ALIYUN::TenantId"], &self.values["ALIYUN::Region"]);
        match (resource["Type"].as_str().unwrap_or_default(), attribute) {
            ("ALIYUN::RAM::Role", "Arn") => {
                let name = text_of(&property("RoleName")?).to_lowercase();
                Ok(format!("acs:ram::{account}:role/{name}").into())
            }
            ("ALIYUN::FC3::LayerVersion", "LayerVersionArn") => {
                let name = text_of(&property("LayerName")?);
                Ok(format!("acs:fc:{region}:{account}:layers/{name}/versions/1").into())
            }
            ("ALIYUN::MNS::Queue", "ARN.WithSlash") => {
                let name = text_of(&property("QueueName")?);
                Ok(format!("acs:mns:{region}:{account}:/queues/{name}").into())
            }
            (kind, attribute) if resource["Properties"].get(attribute).is_none() => {
                error(place, format!("local-cloud does not support the attribute {attribute} of {kind}"))
            }
            _ => property(attribute),
        }
    }

    /// Fills in each `${…}` of a text; `${!…}` stays as `${…}`.
    fn substitute(&self, text: &str, own: &Value, place: &str, depth: usize) -> Resolved<String> {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            done.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return error(place, "a ${ is not closed");
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                done.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let value = match (own.get(name), name.split_once('.')) {
                (Some(value), _) => self.resolve(value, place, depth + 1)?,
                (None, Some((id, attribute))) => self.attribute(id, attribute, place, depth)?,
                (None, None) => self.reference(name, place, depth)?,
            };
            done.push_str(&text_of(&value));
        }
        done.push_str(rest);
        Ok(done)
    }

    fn condition(&self, condition: &Value, place: &str, depth: usize) -> Resolved<bool> {
        if depth > MAX_DEPTH {
            return error(place, "the conditions are circular");
        }
        let all = |parts: &[Value]| -> Resolved<Vec<bool>> {
            parts.iter().map(|part| self.condition(part, place, depth + 1)).collect()
        };
        if let Value::String(name) = condition {
            return match self.document["Conditions"].get(name) {
                Some(named) => self.condition(named, &format!("Conditions.{name}"), depth + 1),
                None => error(place, format!("the template has no condition {name:?}")),
            };
        }
        let (function, argument) = match condition.as_object().and_then(|members| members.iter().next()) {
            Some((function, argument)) => (function.as_str(), argument),
            None => return error(place, "is not a condition"),
        };
        match (function, argument) {
            ("Condition", name) => self.condition(name, place, depth + 1),
            ("Fn::Not", Value::Array(parts)) if parts.len() == 1 => Ok(!all(parts)?[0]),
            ("Fn::Not", part) => Ok(!self.condition(part, place, depth + 1)?),
            ("Fn::And", Value::Array(parts)) => Ok(all(parts)?.into_iter().all(|holds| holds)),
            ("Fn::Or", Value::Array(parts)) => Ok(all(parts)?.into_iter().any(|holds| holds)),
            ("Fn::Equals", Value::Array(parts)) if parts.len() == 2 => {
                let text = |part: &Value| Ok(text_of(&self.resolve(part, place, depth + 1)?));
                Ok(text(&parts[0])? == text(&parts[1])?)
            }
            _ => error(place, format!("local-cloud does not support {function} as a condition")),
        }
    }
}

impl Resource<'_> {
    fn place(&self, path: &str) -> String {
        format!("Resources.{}.Properties.{path}", self.id)
    }

    pub(super) fn error(&self, path: &str, problem: &str) -> TemplateError {
        TemplateError { place: self.place(path), problem: problem.to_owned() }
    }

    /// Returns the resource's name in the template.
    pub(super) fn id(&self) -> &str {
        self.id
    }

    /// Returns the resolved value at a path such as `Code.OssObjectName`. Values along the path can be functions too.
    pub(super) fn value(&self, path: &str) -> Resolved<Option<Value>> {
        let mut names = path.split('.');
        let mut value = self.properties;
        while call_of(value).is_none() {
            let Some(name) = names.next() else { break };
            let Some(inner) = value.get(name) else { return Ok(None) };
            value = inner;
        }
        let mut found = Some(self.resolver.resolve(value, &self.place(path), 0)?);
        for name in names {
            found = found.as_mut().and_then(|inner| inner.get_mut(name)).map(Value::take);
        }
        Ok(found.filter(|resolved| !resolved.is_null()))
    }

    /// Returns an attribute of the resource itself.
    pub(super) fn attribute(&self, name: &str) -> Resolved<String> {
        Ok(text_of(&self.resolver.attribute(self.id, name, &self.place(name), 0)?))
    }

    pub(super) fn optional_text(&self, path: &str) -> Resolved<Option<String>> {
        Ok(self.value(path)?.as_ref().map(text_of))
    }

    pub(super) fn text(&self, path: &str) -> Resolved<String> {
        self.optional_text(path)?.ok_or_else(|| self.error(path, "is missing"))
    }

    pub(super) fn number(&self, path: &str, default: u64) -> Resolved<u64> {
        match self.optional_text(path)? {
            Some(text) => text.parse().map_err(|_| self.error(path, &format!("{text:?} is not a whole number"))),
            None => Ok(default),
        }
    }

    pub(super) fn map(&self, path: &str) -> Resolved<BTreeMap<String, String>> {
        match self.value(path)? {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(members)) => {
                Ok(members.into_iter().map(|(name, value)| (name, text_of(&value))).collect())
            }
            Some(_) => Err(self.error(path, "is not a mapping")),
        }
    }
}

/// Returns the ROS function and its argument, if the value is a function call.
fn call_of(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, to) = members.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), to))
}

/// Formats a value for substitution in a text.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
