//! The OpenAPI document, made from the table of routes and the types that they take and give.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{SchemaGenerator, generate};
use serde_json::{Map, Value, json};

use crate::BASE;
use crate::access::Access;
use crate::api;
use crate::route::{Gives, Precondition, Route};
use crate::sessions::COOKIE;

/// The document, OpenAPI 3.1.
pub fn document() -> Value {
    let mut answers = generator(SchemaSettings::draft2020_12().for_serialize());
    let mut bodies = generator(SchemaSettings::draft2020_12().for_deserialize());
    let mut paths = Map::new();
    for route in api::routes() {
        let operations = paths.entry(route.path).or_insert_with(|| json!({}));
        operations[route.method.name().to_ascii_lowercase()] = operation(&route, &mut answers, &mut bodies);
    }
    answers.subschema_for::<crate::refusal::Problem>();
    let mut schemas = answers.take_definitions(true);
    let inputs = bodies.take_definitions(true);
    let renamed = differing(&schemas, &inputs);
    let mut paths = Value::Object(paths);
    for operations in paths.as_object_mut().into_iter().flat_map(Map::values_mut) {
        for operation in operations.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Some(body) = operation.get_mut("requestBody") {
                rename(body, &renamed);
            }
        }
    }
    for (name, mut schema) in inputs {
        rename(&mut schema, &renamed);
        let name = if renamed.contains(&name) { format!("{name}{INPUT}") } else { name };
        schemas.insert(name, schema);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Consign",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": BASE }],
        "paths": paths,
        "security": [{ "token": [] }, { "session": [] }],
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "An API token." },
                "session": { "type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Begun by `log_in`." },
            },
        },
    });
    plain(&mut document);
    document
}

/// What the document says first.
const DESCRIPTION: &str = "Lists are pages: `items`, and `next` where there are more, which is the `cursor` of the next \
    page. Whatever is edited has an `ETag`; an edit sends it back as `If-Match`, and is refused with 412 where somebody \
    else was quicker. `If-None-Match: *` makes a new thing. An action with an `Idempotency-Key` is done once. Errors are \
    problem details (RFC 9457); `problems` has each that was found, with its path, reason and remedy.";

/// The end of the name of a type that is written in another way than it is read.
const INPUT: &str = "Input";

fn generator(mut settings: SchemaSettings) -> SchemaGenerator {
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    generate::SchemaGenerator::new(settings)
}

fn operation(route: &Route, answers: &mut SchemaGenerator, bodies: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = path_parameters(route.path)
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if let Some(shape) = route.query {
        parameters.extend(query_parameters(&shape(bodies).to_value(), bodies));
    }
    let header = |name: &str, description: &str| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": { "type": "string" } });
    if route.precondition == Precondition::Tag {
        parameters.push(header("If-Match", "The tag of what was read."));
        if route.takes.is_some() {
            parameters.push(header("If-None-Match", "`*`: makes a new thing."));
        }
    }
    if route.once {
        parameters.push(header("Idempotency-Key", "A repeated call with the same key is the same call."));
    }
    let (status, answer) = match route.gives {
        Gives::Nothing => ("204".to_owned(), json!({ "description": "Done" })),
        Gives::Json(status, shape) => {
            (status.to_string(), content("Done", "application/json", shape(answers).as_value()))
        }
        Gives::Other(media) => ("200".to_owned(), content("Done", media, &json!({ "type": "string" }))),
    };
    let problem = json!({ "$ref": "#/components/schemas/ProblemDetails" });
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "tags": [route.path.split('/').nth(1).unwrap_or_default()],
        "responses": { status: answer, "default": content("What is wrong", "application/problem+json", &problem) },
    });
    match route.access {
        Access::Anybody => operation["security"] = json!([]),
        Access::From(least) => {
            operation["description"] = format!("It takes the role {least}, or one that may more.").into();
        }
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(shape) = route.takes {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": shape(bodies) } } });
    }
    operation
}

fn content(description: &str, media: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { media: { "schema": schema } } })
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The fields of a type, each as a parameter of the query.
fn query_parameters(reference: &Value, generator: &SchemaGenerator) -> Vec<Value> {
    let name = reference["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let Some(schema) = generator.definitions().get(name) else { return Vec::new() };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let parameter = |(field, of): (&String, &Value)| {
        let mut of = of.clone();
        let description = of.as_object_mut().and_then(|of| of.remove("description"));
        let mut parameter =
            json!({ "name": field, "in": "query", "required": required.contains(&field.as_str()), "schema": of });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    };
    fields.map(parameter).collect()
}

/// The names of types that are written in another way than they are read, and of those that hold such types.
fn differing(answers: &Map<String, Value>, bodies: &Map<String, Value>) -> BTreeSet<String> {
    let mut differing: BTreeSet<String> = bodies
        .iter()
        .filter(|(name, body)| answers.get(*name).is_some_and(|answer| answer != *body))
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let holds = |(name, body): &(&String, &Value)| {
            !differing.contains(*name) && answers.contains_key(*name) && refers_to(body, &differing)
        };
        let more: Vec<String> = bodies.iter().filter(holds).map(|(name, _)| name.clone()).collect();
        if more.is_empty() {
            return differing;
        }
        differing.extend(more);
    }
}

fn refers_to(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(key, value)| match value.as_str() {
            Some(path) if key == "$ref" => path.rsplit('/').next().is_some_and(|name| names.contains(name)),
            _ => refers_to(value, names),
        }),
        Value::Array(items) => items.iter().any(|item| refers_to(item, names)),
        _ => false,
    }
}

/// Writes the names of types as they are called where they are written.
fn rename(schema: &mut Value, names: &BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(path) if key == "$ref" => {
                        if path.rsplit('/').next().is_some_and(|name| names.contains(name)) {
                            path.push_str(INPUT);
                        }
                    }
                    _ => rename(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

/// Descriptions come from the code's documentation, whose links are not for readers of the document.
fn plain(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" => *text = text.replace("[`", "`").replace("`]", "`"),
                    _ => plain(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}
