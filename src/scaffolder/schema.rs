//! JSON Schema (draft 7) validation, told in the words of Backstage's validator.
//!
//! The check itself is the `jsonschema` crate's. Backstage answers with the error objects of the npm package of the
//! same name (`instance.name does not match pattern "^a"`), and its clients show them, so a [`Violation`] carries
//! that wording beside a sentence for people.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Value, json};

/// One place where a value breaks its schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Violation {
    /// Keys and indexes from the value's root to the offending place.
    pub(crate) path: Vec<String>,
    /// The schema's keyword that is broken.
    pub(crate) keyword: String,
    /// What Backstage says, without the place.
    pub(crate) message: String,
    /// What a person reads beside the field.
    pub(crate) sentence: String,
    /// The property a `required` violation misses.
    pub(crate) missing: Option<String>,
    argument: Value,
    schema: Value,
    instance: Value,
}

impl Violation {
    /// `instance.resources.cpu`
    fn property(&self) -> String {
        let mut property = "instance".to_owned();
        for segment in &self.path {
            if segment.bytes().all(|byte| byte.is_ascii_digit()) {
                property.extend(["[", segment, "]"]);
            } else {
                property.push('.');
                property.push_str(segment);
            }
        }
        property
    }

    /// `instance.name does not match pattern "^a"`
    pub(crate) fn stack(&self) -> String {
        format!("{} {}", self.property(), self.message)
    }

    /// The error object that Backstage's API answers.
    pub(crate) fn backstage(&self) -> Value {
        json!({
            "path": self.path.iter().map(|segment| segment.parse::<u64>().map_or_else(|_| json!(segment), |index| json!(index))).collect::<Vec<_>>(),
            "property": self.property(),
            "message": self.message,
            "schema": self.schema,
            "instance": self.instance,
            "name": self.keyword,
            "argument": self.argument,
            "stack": self.stack(),
        })
    }

    /// The error object without the value, which may be secret.
    pub(crate) fn without_instance(&self) -> Value {
        Self { instance: Value::Null, ..self.clone() }.backstage()
    }

    /// The JSON pointer of the field to show the violation at: a missing property's own.
    pub(crate) fn pointer(&self) -> String {
        let segments = self.path.iter().chain(&self.missing);
        segments.fold(String::new(), |pointer, segment| format!("{pointer}/{}", escape(segment)))
    }
}

/// Writes one segment of a JSON pointer (RFC 6901).
pub(crate) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    document: Value,
    validator: Validator,
}

impl Schema {
    /// Compiles a schema; the error says which part of it is none, as a JSON pointer and a message.
    pub(crate) fn compile(document: &Value) -> Result<Self, (String, String)> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(true)
            .build(document)
            .map_err(|error| (error.instance_path().to_string(), error.to_string()))?;
        Ok(Self { document: document.clone(), validator })
    }

    /// The schema as written.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// Whether the value follows the schema.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// Every place where the value does not follow the schema; empty when it does.
    pub(crate) fn violations(&self, value: &Value) -> Vec<Violation> {
        self.validator.iter_errors(value).flat_map(|error| self.told(&error)).collect()
    }

    /// One violation for each thing the error names (each additional property, for one).
    fn told(&self, error: &ValidationError<'_>) -> Vec<Violation> {
        let path: Vec<String> = error.instance_path().iter().map(|segment| segment.to_string()).collect();
        let keyword_path = error.schema_path().as_str();
        let parent = keyword_path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let schema = self.document.pointer(parent).cloned().unwrap_or(Value::Bool(true));
        let base = Violation {
            path,
            keyword: error.kind().keyword().to_owned(),
            message: String::new(),
            sentence: String::new(),
            missing: None,
            argument: schema.get(error.kind().keyword()).cloned().unwrap_or(Value::Null),
            schema,
            instance: error.instance().as_ref().clone(),
        };
        if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
            return unexpected.iter().map(|name| additional(base.clone(), name)).collect();
        }
        let (message, sentence) = words(error, &base);
        let mut violation = Violation { message, sentence, ..base };
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                violation.missing = property.as_str().map(str::to_owned);
                violation.argument = property.clone();
            }
            ValidationErrorKind::Type { kind } => violation.argument = json!(type_names(kind)),
            _ => {}
        }
        vec![violation]
    }
}

fn additional(base: Violation, name: &str) -> Violation {
    Violation {
        message: format!("is not allowed to have the additional property {}", json!(name)),
        sentence: format!("`{name}` is not a known key; remove it"),
        argument: json!(name),
        ..base
    }
}

fn type_names(kind: &TypeKind) -> Vec<String> {
    match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(set) => set.iter().map(|one| one.to_string()).collect(),
    }
}

/// Backstage's wording and ours.
fn words(error: &ValidationError<'_>, base: &Violation) -> (String, String) {
    use ValidationErrorKind as Kind;
    let choices = |options: &Value| match options.as_array() {
        Some(options) => options.iter().map(plain).collect::<Vec<_>>(),
        None => Vec::new(),
    };
    match error.kind() {
        Kind::Required { property } => (format!("requires property {property}"), "is required; fill it in".to_owned()),
        Kind::Type { kind } => {
            let names = type_names(kind);
            (format!("is not of a type(s) {}", names.join(",")), format!("must be {}", spoken_types(&names)))
        }
        Kind::Pattern { pattern } => (
            format!("does not match pattern {}", json!(pattern)),
            match base
                .schema
                .pointer("/errorMessage/pattern")
                .or(base.schema.get("errorMessage"))
                .and_then(Value::as_str)
            {
                Some(own) => own.to_owned(),
                None => format!("must match the pattern {pattern}"),
            },
        ),
        Kind::Enum { options } => (
            format!("is not one of enum values: {}", choices(options).join(",")),
            format!("must be one of {}", choices(options).join(", ")),
        ),
        Kind::Constant { expected_value } => (
            format!("does not exactly match expected constant: {}", plain(expected_value)),
            format!("must be {}", plain(expected_value)),
        ),
        Kind::Format { format } => {
            (format!("does not conform to the {} format", json!(format)), format!("must be a valid {format}"))
        }
        Kind::UniqueItems => ("contains duplicate item".to_owned(), "must not name the same thing twice".to_owned()),
        Kind::Not { .. } => ("is of prohibited type [subschema 0]".to_owned(), "is not allowed here".to_owned()),
        Kind::AnyOf { .. } => {
            (format!("is not any of {}", subschemas(&base.argument)), "fits none of the allowed forms".to_owned())
        }
        Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => (
            format!("is not exactly one from {}", subschemas(&base.argument)),
            "must fit exactly one of the allowed forms".to_owned(),
        ),
        _ => limit_words(error),
    }
}

/// The wording of keywords that compare with a number.
fn limit_words(error: &ValidationError<'_>) -> (String, String) {
    use ValidationErrorKind as Kind;
    let characters = |limit: &u64| {
        if *limit == 1 { "1 character".to_owned() } else { format!("{limit} characters") }
    };
    match error.kind() {
        Kind::MinLength { limit } => (
            format!("does not meet minimum length of {limit}"),
            if *limit == 1 {
                "must not be empty".to_owned()
            } else {
                format!("must have at least {}", characters(limit))
            },
        ),
        Kind::MaxLength { limit } => {
            (format!("does not meet maximum length of {limit}"), format!("must have at most {}", characters(limit)))
        }
        Kind::Minimum { limit } => {
            (format!("must be greater than or equal to {limit}"), format!("must be at least {limit}"))
        }
        Kind::Maximum { limit } => {
            (format!("must be less than or equal to {limit}"), format!("must be at most {limit}"))
        }
        Kind::ExclusiveMinimum { limit } => {
            (format!("must be strictly greater than {limit}"), format!("must be more than {limit}"))
        }
        Kind::ExclusiveMaximum { limit } => {
            (format!("must be strictly less than {limit}"), format!("must be less than {limit}"))
        }
        Kind::MultipleOf { multiple_of } => (
            format!("is not a multiple of (divisible by) {multiple_of}"),
            format!("must be a multiple of {multiple_of}"),
        ),
        Kind::MinItems { limit } => {
            (format!("does not meet minimum length of {limit}"), format!("needs at least {limit}"))
        }
        Kind::MaxItems { limit } => {
            (format!("does not meet maximum length of {limit}"), format!("takes at most {limit}"))
        }
        Kind::MinProperties { limit } => {
            (format!("does not meet minimum property length of {limit}"), format!("needs at least {limit} keys"))
        }
        Kind::MaxProperties { limit } => {
            (format!("does not meet maximum property length of {limit}"), format!("takes at most {limit} keys"))
        }
        _ => (error.to_string(), error.to_string()),
    }
}

fn subschemas(list: &Value) -> String {
    let count = list.as_array().map_or(0, Vec::len);
    let title = |index: usize| match list[index].get("title").and_then(Value::as_str) {
        Some(title) => format!("\"{title}\""),
        None => format!("[subschema {index}]"),
    };
    (0..count).map(title).collect::<Vec<_>>().join(",")
}

fn spoken_types(names: &[String]) -> String {
    let spoken = |name: &String| match name.as_str() {
        "string" => "a text",
        "number" => "a number",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a set of keys",
        _ => "empty",
    };
    names.iter().map(spoken).collect::<Vec<_>>().join(" or ")
}

/// A value as JavaScript prints it in a sentence.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_speak_as_backstage_does() {
        let cases = [
            (json!({"type": "number"}), json!("many"), "instance is not of a type(s) number", "must be a number"),
            (
                json!({"type": ["string", "null"]}),
                json!(1),
                "instance is not of a type(s) null,string",
                "must be empty or a text",
            ),
            (
                json!({"pattern": "^[a-z]+$"}),
                json!("A"),
                "instance does not match pattern \"^[a-z]+$\"",
                "must match the pattern ^[a-z]+$",
            ),
            (
                json!({"required": ["name"]}),
                json!({}),
                "instance requires property \"name\"",
                "is required; fill it in",
            ),
            (json!({"enum": ["a", "b"]}), json!("c"), "instance is not one of enum values: a,b", "must be one of a, b"),
            (
                json!({"minLength": 3}),
                json!("a"),
                "instance does not meet minimum length of 3",
                "must have at least 3 characters",
            ),
            (json!({"maximum": 3}), json!(4), "instance must be less than or equal to 3", "must be at most 3"),
            (
                json!({"format": "email"}),
                json!("x"),
                "instance does not conform to the \"email\" format",
                "must be a valid email",
            ),
            (
                json!({"items": {"minLength": 1}}),
                json!(["a", ""]),
                "instance[1] does not meet minimum length of 1",
                "must not be empty",
            ),
            (
                json!({"properties": {"a": {"properties": {"b": {"const": 1}}}}}),
                json!({"a": {"b": 2}}),
                "instance.a.b does not exactly match expected constant: 1",
                "must be 1",
            ),
            (
                json!({"properties": {}, "additionalProperties": false}),
                json!({"x": 1}),
                "instance is not allowed to have the additional property \"x\"",
                "`x` is not a known key; remove it",
            ),
        ];
        for (schema, value, stack, sentence) in cases {
            let found = Schema::compile(&schema).unwrap().violations(&value);
            assert_eq!(found.len(), 1, "{schema}");
            assert_eq!((found[0].stack().as_str(), found[0].sentence.as_str()), (stack, sentence));
        }
    }

    #[test]
    fn error_objects_carry_the_schema_and_the_instance() {
        let name = json!({"type": "string", "title": "Name", "pattern": "^[a-z0-9-]+$"});
        let schema = json!({"title": "Basic", "required": ["name"], "properties": {"name": name}});
        let compiled = Schema::compile(&schema).unwrap();
        let invalid = compiled.violations(&json!({"name": "NOT OK"}));
        assert_eq!(
            invalid[0].backstage(),
            json!({
                "path": ["name"], "property": "instance.name", "message": "does not match pattern \"^[a-z0-9-]+$\"",
                "schema": name, "instance": "NOT OK", "name": "pattern", "argument": "^[a-z0-9-]+$",
                "stack": "instance.name does not match pattern \"^[a-z0-9-]+$\""
            })
        );
        let missing = compiled.violations(&json!({}));
        assert_eq!(
            missing[0].backstage(),
            json!({
                "path": [], "property": "instance", "message": "requires property \"name\"", "schema": schema,
                "instance": {}, "name": "required", "argument": "name", "stack": "instance requires property \"name\""
            })
        );
        assert_eq!(missing[0].pointer(), "/name");
    }

    #[test]
    fn a_broken_schema_names_its_place() {
        let (pointer, _) = Schema::compile(&json!({"properties": {"a": {"type": "strin"}}})).unwrap_err();
        assert_eq!(pointer, "/properties/a/type");
    }
}
