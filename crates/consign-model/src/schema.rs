//! What tables look like: the names and types that conditions and attributes are checked against.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{ColumnRef, RowsPerCustomer};

/// The type of a column, as far as conditions and attributes care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// Any integer, float or decimal.
    Number,
    /// A calendar day.
    Date,
    /// A moment. Without a zone it is in the workspace's time zone.
    Timestamp,
    /// True or false.
    Boolean,
    /// Anything else: it can be tested for null and nothing more.
    Other,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// Its name, case kept.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What it means (`email`, `phone`, `given-name`, `country`, ...), if that is known.
    pub semantic: Option<String>,
}

impl Column {
    /// Whether that is its meaning; `given_name` and `given-name` are one.
    pub fn means(&self, semantic: &str) -> bool {
        let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
        self.semantic.as_deref().is_some_and(|own| plain(own) == plain(semantic))
    }
}

/// The meanings of columns that destinations know, each with the column names that imply it where a table declares
/// none. Names are compared without case, `_`, `-` and white space.
const SEMANTICS: &[(&str, &[&str])] = &[
    ("email", &["email", "emailaddress", "mail"]),
    ("phone", &["phone", "phonenumber", "mobile", "mobilephone", "telephone"]),
    ("given-name", &["givenname", "firstname", "forename"]),
    ("surname", &["surname", "lastname", "familyname"]),
    ("full-name", &["fullname"]),
    ("address", &["address", "address1", "street", "streetaddress"]),
    ("address2", &["address2"]),
    ("city", &["city", "town"]),
    ("state", &["state", "province", "region"]),
    ("postal", &["postal", "postalcode", "postcode", "zip", "zipcode"]),
    ("country", &["country", "countrycode"]),
    ("birthdate", &["birthdate", "birthday", "dateofbirth", "dob"]),
    ("gender", &["gender", "sex"]),
    ("company", &["company", "organization", "organisation"]),
    ("title", &["title"]),
    ("loyalty-id", &["loyaltyid"]),
];

/// The meanings of columns that destinations know.
pub fn semantics() -> impl Iterator<Item = &'static str> + Clone {
    SEMANTICS.iter().map(|(semantic, _)| *semantic)
}

/// The meaning that a column's name implies where its table declares none, such as `email`.
pub fn semantic_of(column: &str) -> Option<&'static str> {
    let plain: String =
        column.chars().filter(|c| !matches!(c, '_' | '-') && !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    SEMANTICS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(semantic, _)| *semantic)
}

/// Whether a column with this meaning says who somebody is. The customer table is the best source of it.
pub fn is_personal(semantic: &str) -> bool {
    let plain = semantic.to_ascii_lowercase().replace('_', "-");
    !matches!(plain.as_str(), "country" | "state") && semantics().any(|known| known == plain)
}

/// The built-in table of who was assigned and sent what by earlier runs. It has many rows a customer.
pub const CAMPAIGN_RECIPIENTS: &str = "Campaign_Recipients";

/// A table as the engine found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// Its name, case kept.
    pub name: String,
    /// The customer key column.
    pub customer_key: String,
    /// One row a customer, or many.
    pub rows: RowsPerCustomer,
    /// The columns, in the table's order.
    pub columns: Vec<Column>,
}

impl TableSchema {
    /// The column of that name, case and all.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The first column with that meaning.
    pub fn column_with(&self, semantic: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.means(semantic))
    }
}

/// Every table of a workspace, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    tables: BTreeMap<String, TableSchema>,
}

impl Catalog {
    /// The table of that name, case and all.
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.get(name)
    }

    /// The column that a reference names.
    pub fn column(&self, reference: &ColumnRef) -> Option<&Column> {
        self.table(&reference.table)?.column(&reference.column)
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &TableSchema> {
        self.tables.values()
    }
}

impl FromIterator<TableSchema> for Catalog {
    fn from_iter<I: IntoIterator<Item = TableSchema>>(tables: I) -> Self {
        Self { tables: tables.into_iter().map(|table| (table.name.clone(), table)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_column_names_imply_their_meaning() {
        assert_eq!(semantic_of("email"), Some("email"));
        assert_eq!(semantic_of("Given_Name"), Some("given-name"));
        assert_eq!(semantic_of("lifetime_value"), None);
        assert!(is_personal("given_name"));
        assert!(!is_personal("country"));
    }

    #[test]
    fn a_declared_meaning_is_found_however_it_is_hyphenated() {
        let column = Column { name: "fn".into(), column_type: ColumnType::Text, semantic: Some("given_name".into()) };
        assert!(column.means("given-name"));
    }
}
