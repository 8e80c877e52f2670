//! The attributes mapped to a destination against what it demands, before any row is read.

use super::{Known, Validator};
use crate::definition::{AttributeMapping, ColumnAttribute, RowsPerCustomer};
use crate::problem::Path;
use crate::resolve::{Target, expansions};
use crate::schema::{self, ColumnType, TableSchema};
use crate::spec::{
    AttributeSpec, CustomAttributes, DefaultSource, MappingRule, Normalisation, Requirement, Rules, ValueType,
};
use crate::test::type_name;
use crate::word;

/// Attributes mapped to a destination, and where that is said.
pub(super) struct Mapped<'m> {
    pub attributes: &'m [AttributeMapping],
    pub path: &'m Path,
    pub subject: Subject,
}

/// Who chose the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// They are written in the definitions, at the path and in that order.
    Written,
    /// Nobody: they follow from the meanings of the customer table's columns.
    Defaults,
}

impl Mapped<'_> {
    fn item(&self, index: usize) -> Path {
        match self.subject {
            Subject::Written => self.path.item(index),
            Subject::Defaults => self.path.clone(),
        }
    }

    fn maps(&self, name: &str) -> bool {
        self.attributes.iter().any(|mapping| mapping.attribute() == name)
    }
}

impl Validator<'_> {
    pub(super) fn attributes(&mut self, target: &Target<'_>, mapped: &Mapped<'_>) {
        let rules = target.rules(mapped.attributes);
        if mapped.attributes.is_empty() {
            return self.error(
                mapped.path,
                format!("nothing is mapped to {}", target.spec.title),
                "map at least one attribute, or remove the list to map what is usual",
            );
        }
        // Defaults repeat a name only where the contract does, which is reported there.
        let written = mapped.subject == Subject::Written;
        let names = mapped.attributes.iter().enumerate().filter(|_| written);
        self.distinct(
            names.map(|(i, mapping)| (mapping.attribute().to_owned(), mapped.item(i).field("attribute"))),
            |name, first| {
                (format!("`{name}` is mapped twice, first at `{first}`"), "keep one of the two mappings".into())
            },
        );
        for (i, mapping) in mapped.attributes.iter().enumerate() {
            self.attribute(target, &rules, mapping, &mapped.item(i));
        }
        self.mapping_rules(target, &rules, mapped);
        self.one_expansion(mapped);
    }

    fn attribute(&mut self, target: &Target<'_>, rules: &Rules, mapping: &AttributeMapping, path: &Path) {
        let name = mapping.attribute();
        let spec = rules.attribute(name);
        let forbidden = rules.mapping.iter().any(|rule| matches!(rule, MappingRule::Not(not, _) if not == name));
        if spec.is_none() && !forbidden {
            self.custom_name(target, rules, name, &path.field("attribute"));
        }
        match mapping {
            AttributeMapping::Column(mapped) => self.mapped_column(spec, mapped, &path.field("column")),
            AttributeMapping::Fact(_) => {
                let free = |spec: &AttributeSpec| {
                    matches!(spec.normalisation, Normalisation::None | Normalisation::Text | Normalisation::TextUpTo(_))
                };
                if spec.is_some_and(|spec| !free(spec)) {
                    self.error(
                        &path.field("fact"),
                        format!("`{name}` differs from customer to customer, and a fact of the campaign does not"),
                        "map a column",
                    );
                }
            }
        }
    }

    /// Checks the name of an attribute that is not in the catalogue.
    fn custom_name(&mut self, target: &Target<'_>, rules: &Rules, name: &str, path: &Path) {
        let title = match target.contract {
            Some(contract) => format!("the contract `{}`", contract.id),
            None => target.spec.title.to_owned(),
        };
        let known = rules.attributes.iter().map(|attribute| attribute.name.as_str());
        match rules.custom {
            CustomAttributes::Forbidden => {
                let remedy = word::use_nearest(name, known);
                self.error(path, format!("{title} does not take an attribute `{name}`"), remedy);
            }
            CustomAttributes::WithPrefix(prefix) if name.len() <= prefix.len() || !name.starts_with(prefix) => {
                let remedy = match word::nearest(name, known) {
                    Some(near) => format!("write `{near}`, or `{prefix}{name}` for an attribute of your own"),
                    None => format!("write `{prefix}{name}`: attributes of your own begin with `{prefix}`"),
                };
                self.error(path, format!("{title} does not know the attribute `{name}`"), remedy);
            }
            CustomAttributes::WithPrefix(_) | CustomAttributes::Any => self.name(name, "attribute", path),
        }
    }

    fn mapped_column(&mut self, spec: Option<&AttributeSpec>, mapped: &ColumnAttribute, path: &Path) {
        let column = &mapped.column;
        let Some(column_type) = self.column_type(column, path) else { return };
        if !fits(spec, column_type) {
            let (reason, remedy) = match spec {
                Some(spec) if column_type != ColumnType::Other => (
                    format!("`{}` takes {} and `{column}` is a {}", spec.name, takes(spec), type_name(column_type)),
                    "map a column of that type",
                ),
                _ => {
                    (format!("`{column}` is a {}, which cannot be sent", type_name(column_type)), "map another column")
                }
            };
            return self.error(path, reason, remedy);
        }
        self.personal_data(spec, mapped, path);
    }

    /// Warns of personal data from another table than the customer table.
    fn personal_data(&mut self, spec: Option<&AttributeSpec>, mapped: &ColumnAttribute, path: &Path) {
        let best = &self.workspace.customer_table;
        let Known::Schema(table) = self.table(&mapped.column.table) else { return };
        if table.name == *best || self.table(best).rows() != Some(RowsPerCustomer::One) {
            return;
        }
        let by_column = table.column(&mapped.column.column).and_then(|column| column.semantic.as_deref());
        let by_attribute = spec.and_then(|spec| match &spec.default {
            Some(DefaultSource::Semantic(semantic)) => Some(semantic.as_str()),
            _ => None,
        });
        let Some(semantic) = by_column.or(by_attribute).filter(|semantic| schema::is_personal(semantic)) else {
            return;
        };
        let instead = self.best_column(best, semantic);
        self.warning(
            path,
            format!(
                "`{}` is personal data ({semantic}) from another table than `{best}`, the best source of it: there each \
                 customer has one row, merged from all sources, while other tables may repeat or contradict it",
                mapped.column
            ),
            instead.map_or_else(
                || format!("map a column of `{best}` if it has one"),
                |column| format!("map `{best}.{column}`"),
            ),
        );
    }

    fn best_column(&self, table: &str, semantic: &str) -> Option<String> {
        match self.table(table) {
            Known::Schema(schema) => schema.column_with(semantic).map(|column| column.name.clone()),
            _ => None,
        }
    }

    fn mapping_rules(&mut self, target: &Target<'_>, rules: &Rules, mapped: &Mapped<'_>) {
        let before = self.found.len();
        let mut missing: Vec<&str> = Vec::new();
        let required = rules.attributes.iter().filter(|spec| spec.requirement == Requirement::Required);
        for spec in required {
            missing.push(&spec.name);
        }
        for rule in &rules.mapping {
            if let MappingRule::AllOf(names) = rule {
                missing.extend(names.iter().map(String::as_str));
            }
        }
        missing.retain(|name| !mapped.maps(name));
        missing.sort_unstable();
        missing.dedup();
        for name in missing {
            let remedy = self.how_to_map(rules, &[name], mapped);
            self.error(mapped.path, format!("{} needs `{name}`, which is not mapped", target.spec.title), remedy);
        }
        for rule in &rules.mapping {
            match rule {
                MappingRule::AllOf(_) => {}
                MappingRule::AnyOf(names) => {
                    if !names.iter().any(|name| mapped.maps(name)) {
                        let names: Vec<&str> = names.iter().map(String::as_str).collect();
                        let remedy = self.how_to_map(rules, &names, mapped);
                        let reason =
                            format!("{} needs one of {}, and none is mapped", target.spec.title, word::list(&names));
                        self.error(mapped.path, reason, remedy);
                    }
                }
                MappingRule::ExactlyOneOf(names) => {
                    let given: Vec<&str> = names.iter().map(String::as_str).filter(|name| mapped.maps(name)).collect();
                    match given.as_slice() {
                        [_] => {}
                        [] => {
                            let names: Vec<&str> = names.iter().map(String::as_str).collect();
                            let remedy = self.how_to_map(rules, &names, mapped);
                            let reason = format!(
                                "{} needs exactly one of {}, and none is mapped",
                                target.spec.title,
                                word::list(&names)
                            );
                            self.error(mapped.path, reason, remedy);
                        }
                        several => self.error(
                            mapped.path,
                            format!(
                                "{} takes exactly one of {}, and {} are mapped",
                                target.spec.title,
                                word::list(names),
                                word::list(several)
                            ),
                            "keep one of them",
                        ),
                    }
                }
                MappingRule::Not(name, why) => {
                    if let Some(i) = mapped.attributes.iter().position(|mapping| mapping.attribute() == name) {
                        self.error(
                            &mapped.item(i).field("attribute"),
                            format!("`{name}` is not mapped to {}: {why}", target.spec.title),
                            "remove it",
                        );
                    }
                }
            }
        }
        let rows_possible =
            rules.row.is_empty() || rules.row.iter().any(|set| set.iter().all(|name| mapped.maps(name)));
        if !rows_possible && self.found.len() == before {
            let sets: Vec<String> = rules.row.iter().map(word::list).collect();
            self.error(
                mapped.path,
                format!("no row could be sent to {}, which needs {}", target.spec.title, sets.join(", or ")),
                "map the attributes of one of these",
            );
        }
    }

    /// What to do about an attribute that is not mapped.
    fn how_to_map(&self, rules: &Rules, names: &[&str], mapped: &Mapped<'_>) -> String {
        let best = &self.workspace.customer_table;
        let source = names.iter().find_map(|name| match rules.attribute(name)?.default.as_ref()? {
            DefaultSource::Semantic(semantic) => {
                let column = self.best_column(best, semantic)?;
                Some(format!("map it, for example `{{ attribute: {name}, column: {best}.{column} }}`"))
            }
            DefaultSource::CustomerKey => match self.table(best) {
                Known::Schema(TableSchema { customer_key, .. }) => {
                    Some(format!("map it, for example `{{ attribute: {name}, column: {best}.{customer_key} }}`"))
                }
                _ => None,
            },
        });
        let meaning = names.iter().find_map(|name| match rules.attribute(name)?.default.as_ref()? {
            DefaultSource::Semantic(semantic) => Some(semantic.as_str()),
            DefaultSource::CustomerKey => None,
        });
        match (mapped.subject, source, meaning) {
            (_, Some(how), _) => how,
            (Subject::Defaults, None, Some(semantic)) => format!(
                "map it under the campaign's `destinations`, or declare which column of `{best}` means `{semantic}`"
            ),
            (Subject::Defaults, None, None) => "map it under the campaign's `destinations`".into(),
            (Subject::Written, None, _) => "map it to a column".into(),
        }
    }

    fn one_expansion(&mut self, mapped: &Mapped<'_>) {
        let Some(catalog) = self.catalog else { return };
        let tables: Vec<&str> = expansions(mapped.attributes, catalog).into_keys().collect();
        if tables.len() > 1 {
            let of_many = |mapping: &AttributeMapping| match mapping {
                AttributeMapping::Column(one) => {
                    catalog.table(&one.column.table).is_some_and(|table| table.rows == RowsPerCustomer::Many)
                }
                AttributeMapping::Fact(_) => false,
            };
            let last = mapped.attributes.iter().rposition(of_many).unwrap_or_default();
            self.error(
                &mapped.item(last).field("column"),
                format!("columns of several tables with many rows a customer are mapped: {}", word::list(&tables)),
                "map at most one such table to a destination",
            );
        }
    }
}

/// Whether values of a column can become those of an attribute.
fn fits(spec: Option<&AttributeSpec>, column: ColumnType) -> bool {
    use ColumnType as C;
    use Normalisation as N;
    if column == C::Other {
        return false;
    }
    let Some(spec) = spec else { return true };
    let cleaned = match spec.normalisation {
        N::Email
        | N::EmailWithoutSpace
        | N::EmailStripAlias
        | N::PersonName
        | N::FirstInitial
        | N::City
        | N::MobileAdId
        | N::Country
        | N::State
        | N::Gender => column == C::Text,
        N::Phone | N::PhoneDigits | N::PostalCode | N::Latitude | N::Longitude => {
            matches!(column, C::Text | C::Number)
        }
        N::Birthdate | N::BirthYear | N::BirthMonth | N::BirthDay => {
            matches!(column, C::Text | C::Date | C::Timestamp)
        }
        N::None | N::Text | N::TextUpTo(_) => true,
    };
    let valued = match spec.value {
        ValueType::Text | ValueType::Any => true,
        ValueType::Number => matches!(column, C::Number | C::Text),
        ValueType::Date => matches!(column, C::Date | C::Timestamp | C::Text),
        ValueType::Boolean => matches!(column, C::Boolean | C::Text),
    };
    cleaned && valued
}

fn takes(spec: &AttributeSpec) -> &'static str {
    use Normalisation as N;
    match (spec.normalisation, spec.value) {
        (N::Phone | N::PhoneDigits | N::PostalCode, _) => "text or numbers",
        (N::Latitude | N::Longitude, _) | (_, ValueType::Number) => "numbers",
        (N::Birthdate | N::BirthYear | N::BirthMonth | N::BirthDay, _) | (_, ValueType::Date) => "dates",
        (_, ValueType::Boolean) => "booleans",
        _ => "text",
    }
}
