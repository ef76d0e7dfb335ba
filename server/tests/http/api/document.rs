//! Holds answers against the OpenAPI document: the operation and the status must be in it, and the body must be what its
//! schema says. A schema's keyword that is not known here is a failure, so none is passed over.

use serde_json::Value;

use super::Answer;

/// What is no part of the API: the page, its files, and the document itself.
const BESIDE: [&str; 2] = ["/docs", "/openapi.json"];

/// Words that explain, and refuse nothing.
const ANNOTATIONS: [&str; 7] =
    ["description", "example", "examples", "title", "format", "default", "additionalProperties"];

pub(crate) struct Document(Value);

impl Document {
    pub(crate) fn new(document: Value) -> Self {
        assert_eq!(document["openapi"].as_str().map(|version| &version[..4]), Some("3.1."));
        Self(document)
    }

    pub(crate) fn check(&self, method: &str, path: &str, answer: &Answer) {
        let what = format!("{method} {path}: {}", answer.status);
        if BESIDE.iter().any(|beside| path.starts_with(beside)) {
            return;
        }
        let Some(operations) = self.operations(path) else {
            // The playground's files; or there is nothing, which is said like every other error.
            if !answer.status.is_success() {
                self.check_body(&serde_json::json!({"$ref": "#/components/schemas/Error"}), answer, &what);
            }
            return;
        };
        let method = if method == "HEAD" { "GET" } else { method };
        let Some(operation) = operations.get(method.to_lowercase()) else {
            let refused = matches!(answer.status.as_u16(), 400 | 403 | 405);
            assert!(refused, "{what} is not in the document");
            return;
        };
        let response = &operation["responses"][answer.status.as_str()];
        assert!(
            response.is_object(),
            "{what} is not in the document: {}",
            String::from_utf8_lossy(&answer.body)
        );
        let Some(content) = response["content"].as_object() else {
            return assert!(answer.body.is_empty(), "{what} has a body, and the document says it has none");
        };
        let content_type =
            answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        let Some(content) = content.get(content_type) else {
            panic!("{what}: the content type {content_type:?} is not in the document");
        };
        if content_type == "application/json" {
            self.check_body(&content["schema"], answer, &what);
        }
    }

    /// The operations of the one path that fits; one without a parameter comes first.
    fn operations(&self, path: &str) -> Option<&Value> {
        let fits = |template: &str| {
            let (mut parts, mut wanted) = (path.split('/'), template.split('/'));
            loop {
                match (parts.next(), wanted.next()) {
                    (None, None) => return true,
                    (Some(part), Some(wanted)) if wanted.starts_with('{') => {
                        if part.is_empty() {
                            return false;
                        }
                    }
                    (Some(part), Some(wanted)) if part == wanted => {}
                    _ => return false,
                }
            }
        };
        let paths = self.0["paths"].as_object().unwrap();
        let mut fitting: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
        fitting.sort_by_key(|(template, _)| template.matches('{').count());
        fitting.first().map(|(_, operations)| *operations)
    }

    fn check_body(&self, schema: &Value, answer: &Answer, what: &str) {
        let body: Value = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{what}: {error}: {}", String::from_utf8_lossy(&answer.body)));
        if let Err(fault) = self.fault(schema, &body, "") {
            panic!("{what}: the answer is not what the document says: {fault}\n{body}");
        }
    }

    /// What is wrong with a value.
    fn fault(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().unwrap() {
            let sub_schemas = || rule.as_array().unwrap().iter();
            match keyword.as_str() {
                "$ref" => {
                    let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    let target = self.0.pointer(target).unwrap_or_else(|| panic!("{rule} leads nowhere"));
                    self.fault(target, value, at)?;
                }
                "allOf" => sub_schemas().try_for_each(|schema| self.fault(schema, value, at))?,
                "oneOf" | "anyOf" => {
                    let fits = sub_schemas().filter(|schema| self.fault(schema, value, at).is_ok()).count();
                    if fits == 0 || (keyword == "oneOf" && fits > 1) {
                        return Err(format!("{at}: {fits} of {keyword} fit"));
                    }
                }
                "type" => {
                    let types = rule.as_array().map_or(vec![rule], |types| types.iter().collect());
                    if !types.iter().any(|name| is_a(value, name.as_str().unwrap())) {
                        return Err(format!("{at} is no {rule}"));
                    }
                }
                "enum" if !rule.as_array().unwrap().contains(value) => {
                    return Err(format!("{at} is none of {rule}"));
                }
                "required" if value.is_object() => {
                    for name in rule.as_array().unwrap() {
                        if value.get(name.as_str().unwrap()).is_none() {
                            return Err(format!("{at} lacks {name}"));
                        }
                    }
                }
                "properties" => self.fault_of_properties(schema, value, at)?,
                "items" => {
                    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.fault(rule, item, &format!("{at}[{i}]"))?;
                    }
                }
                "additionalProperties" if schema["properties"].is_null() => {
                    self.fault_of_properties(schema, value, at)?;
                }
                "propertyNames" => {}
                "minimum" if value.as_f64().is_some_and(|it| it < rule.as_f64().unwrap()) => {
                    return Err(format!("{at} is below {rule}"));
                }
                "enum" | "required" | "minimum" => {}
                annotation => assert!(ANNOTATIONS.contains(&annotation), "the keyword {annotation:?}"),
            }
        }
        Ok(())
    }

    /// A field that the document does not know is a fault too, except where schemas are put together.
    fn fault_of_properties(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(fields) = value.as_object() else { return Ok(()) };
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Null) => return Err(format!("{at} is not in the document")),
                (Value::Null, others) if others.is_object() => self.fault(others, value, &at)?,
                (Value::Null, _) => {}
                (schema, _) => self.fault(schema, value, &at)?,
            }
        }
        Ok(())
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_seen() {
        let document = Document::new(json!({"openapi": "3.1.0", "paths": {}, "components": {"schemas": {
            "Thing": {"type": "object", "required": ["a"], "properties": {
                "a": {"type": "integer", "minimum": 0},
                "b": {"type": ["string", "null"]},
                "c": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "boolean"}]}},
                "d": {"type": "string", "enum": ["x"]}
            }}
        }}}));
        let thing = json!({"$ref": "#/components/schemas/Thing"});
        for good in [json!({"a": 1}), json!({"a": 0, "b": null, "c": ["x", true], "d": "x"})] {
            assert_eq!(document.fault(&thing, &good, ""), Ok(()), "{good}");
        }
        for bad in [
            json!([]),
            json!({}),
            json!({"a": -1}),
            json!({"a": 1.5}),
            json!({"a": "1"}),
            json!({"a": 1, "b": 2}),
            json!({"a": 1, "c": [null]}),
            json!({"a": 1, "d": "y"}),
            json!({"a": 1, "e": "y"}),
        ] {
            assert!(document.fault(&thing, &bad, "").is_err(), "{bad}");
        }
    }
}
