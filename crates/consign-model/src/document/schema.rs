//! The published JSON Schema of definition files.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::definition::Definitions;

/// The JSON Schema (draft 2020-12) of a definition file, for editors; `consign schema` prints it.
pub fn json_schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Definitions>().to_value();
    plain_descriptions(&mut schema);
    schema
}

/// Descriptions come from the code's documentation, whose links are not for readers of the schema.
fn plain_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" => {
                        *text = text.replace("[`", "`").replace("`]", "`");
                    }
                    _ => plain_descriptions(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_descriptions),
        _ => {}
    }
}
