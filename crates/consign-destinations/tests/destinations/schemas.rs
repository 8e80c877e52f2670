//! Bodies of requests to Klaviyo against JSON Schemas, written from the field lists of its API (revision 2026-07-15) and strict: what they do
//! not name is wrong. The server of [`crate::wire`] holds every body to them that any test sends.

use consign_destinations::encode::Operation;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::workspace::{complete, encoder, list, request, sequence, staged};

/// What is wrong with the body of a call (`POST /api/lists`); nothing where the call is not one of Klaviyo's with a body.
pub fn flaws(call: &str, body: &[u8]) -> Vec<String> {
    let Some(schema) = schema(call) else { return Vec::new() };
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return vec![format!("{call}: the body is not JSON")] };
    validator(schema).iter_errors(&body).map(|flaw| format!("{call}: {}: {flaw}", flaw.instance_path())).collect()
}

/// The schema of a call's body.
fn schema(call: &str) -> Option<&'static str> {
    let (method, path) = call.split_once(' ')?;
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("POST", ["", "api", "lists"]) => Some("list"),
        ("POST", ["", "api", "profile-bulk-import-jobs"]) => Some("import"),
        ("POST" | "DELETE", ["", "api", "lists", _, "relationships", "profiles"]) => Some("relationships"),
        ("POST", ["", "api", "profile-import"]) => Some("clearing"),
        _ => None,
    }
}

fn validator(name: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(include_str!("schemas/klaviyo.json")).expect("it is JSON");
    schema["$ref"] = json!(format!("#/$defs/{name}"));
    jsonschema::validator_for(&schema).expect("it is a schema")
}

/// The body of an import with all attributes that Klaviyo's specification names, and a column of the customer's own.
fn import() -> Value {
    let attributes = [
        ("email", "email"),
        ("phone_number", "phone"),
        ("external_id", "customer_id"),
        ("first_name", "given_name"),
        ("last_name", "surname"),
        ("location.address1", "note"),
        ("location.address2", "note"),
        ("location.city", "city"),
        ("location.region", "state"),
        ("location.zip", "postal"),
        ("location.country", "country"),
        ("organization", "note"),
        ("title", "note"),
        ("image", "note"),
        ("locale", "note"),
        ("properties.note", "note"),
    ];
    let encoder = encoder("klaviyo", complete("klaviyo"), &attributes);
    let value = |name: &str| match name {
        "email" => "zoë@example.com",
        "phone_number" => "+12065550100",
        "location.zip" => "02139",
        _ => "Zoë \"Z\"",
    };
    let columns: Vec<(&str, [Option<&str>; 2])> = attributes
        .iter()
        .map(|(name, _)| (*name, [Some(value(name)), (*name == "email").then_some("b@example.com")]))
        .collect();
    let columns: Vec<(&str, &[Option<&str>])> =
        columns.iter().map(|(name, values)| (*name, values.as_slice())).collect();
    let made = request(&*encoder, &staged(&columns), &list("Y6nRLr"), Operation::Add, &sequence(1, true, 2));
    let (_, body) = made.expect("it is offered");
    serde_json::from_slice(&body).expect("it is JSON")
}

const IMPORT: &str = "POST /api/profile-bulk-import-jobs";

#[test]
fn an_import_of_all_attributes_is_as_klaviyo_lists_them() {
    let body = import();
    assert_eq!(
        body.pointer("/data/attributes/profiles/data/0/attributes")
            .and_then(Value::as_object)
            .map(serde_json::Map::len),
        Some(11)
    );
    assert_eq!(flaws(IMPORT, body.to_string().as_bytes()), Vec::<String>::new());
}

#[test]
fn what_klaviyo_does_not_name_or_takes_otherwise_breaks_the_schemas() {
    let row = "/data/attributes/profiles/data/0/attributes";
    let changes: [(&str, &str, Value); 8] = [
        (row, "birthday", json!("1987-03-09")),
        (row, "first_name", Value::Null),
        (row, "email", json!("no address")),
        (row, "phone_number", json!("2065550100")),
        (row, "external_id", json!("x".repeat(256))),
        ("/data/attributes/profiles/data/0/attributes/location", "zip", json!(2139)),
        ("/data/attributes/profiles/data/0", "id", json!("01J9")),
        ("/data/relationships/lists", "data", json!([])),
    ];
    for (place, name, value) in changes {
        let mut body = import();
        body.pointer_mut(place).expect("it is there")[name] = value;
        assert_ne!(flaws(IMPORT, body.to_string().as_bytes()), Vec::<String>::new(), "{name}");
    }
    let nobody = json!({"data": []}).to_string();
    assert_ne!(flaws("DELETE /api/lists/Y6nRLr/relationships/profiles", nobody.as_bytes()), Vec::<String>::new());
    let made =
        json!({"data": {"type": "list", "attributes": {"name": "A", "opt_in_process": "single_opt_in"}}}).to_string();
    assert_ne!(flaws("POST /api/lists", made.as_bytes()), Vec::<String>::new());
}
