//! Staging contracts of the workspace.

use super::{Validator, item};
use crate::contract::{Contract, ContractFormat};
use crate::problem::Path;
use crate::word;

impl Validator<'_> {
    pub(super) fn contracts(&mut self) {
        for (i, contract) in self.definitions.contracts.iter().enumerate() {
            let path = item("contracts", i);
            let columns = path.field("columns");
            if contract.columns.is_empty() && !contract.other_columns {
                self.error(&columns, "the contract takes no columns", "add columns, or `other_columns: true`");
            }
            for (i, column) in contract.columns.iter().enumerate() {
                self.name(&column.name, "column", &columns.item(i).field("name"));
                if column.sha256 && column.format == ContractFormat::Any {
                    self.error(
                        &columns.item(i).field("format"),
                        format!("the values of `{}` are hashed, and their format is not said", column.name),
                        "write the format that is hashed, such as `format: email`",
                    );
                }
            }
            let names = contract.columns.iter().enumerate();
            self.distinct(
                names.map(|(i, column)| (column.name.clone(), columns.item(i).field("name"))),
                |name, first| {
                    (format!("two columns have the name `{name}`, the first at `{first}`"), "rename one of them".into())
                },
            );
            self.known_columns(contract, &contract.exactly_one_of, &path.field("exactly_one_of"));
            self.known_columns(contract, &contract.unique_by, &path.field("unique_by"));
            for (i, set) in contract.row.iter().enumerate() {
                let place = path.field("row").item(i);
                if set.is_empty() {
                    self.error(&place, "the set of columns is empty", "name the columns that a row must hold");
                }
                self.known_columns(contract, set, &place);
            }
            if let Some(file) = &contract.file {
                self.file_options(file, &path.field("file"));
            }
        }
    }

    fn known_columns(&mut self, contract: &Contract, columns: &[String], path: &Path) {
        for (i, name) in columns.iter().enumerate() {
            if contract.columns.iter().all(|column| column.name != *name) {
                let known = contract.columns.iter().map(|column| column.name.as_str());
                self.error(
                    &path.item(i),
                    format!("the contract has no column `{name}`"),
                    word::use_nearest(name, known),
                );
            }
        }
    }
}
