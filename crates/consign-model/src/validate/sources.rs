//! The workspace's settings, sources and tables.

use std::collections::BTreeMap;

use super::{Known, Validator, item};
use crate::definition::{Connection, RowsPerCustomer, Table};
use crate::problem::Path;
use crate::schema;
use crate::word;

/// What a folder of tables may stand on.
const SCHEMES: [&str; 4] = ["s3", "gs", "azure", "file"];

impl Validator<'_> {
    pub(super) fn workspace(&mut self) {
        let workspace = self.workspace;
        let path = Path::default().field("workspace");
        self.time_zone(&workspace.time_zone, &path.field("time_zone"));
        let table = path.field("customer_table");
        match self.table(&workspace.customer_table) {
            _ if self.unreadable.workspace => {}
            Known::Missing => self.missing_table(&workspace.customer_table, &table),
            known if known.rows() == Some(RowsPerCustomer::Many) => {
                self.error(
                    &table,
                    format!("the customer table `{}` has many rows a customer", workspace.customer_table),
                    "name a table with one row a customer, or declare it so with `rows: one`",
                );
            }
            _ => {}
        }
        let always = path.field("always_exclude");
        for (i, segment) in workspace.always_exclude.iter().enumerate() {
            self.segment_exists(segment, &always.item(i));
        }
        if workspace.retention_days == 0 {
            self.error(
                &path.field("retention_days"),
                "staged data would be deleted before it is delivered",
                "keep it for at least one day",
            );
        }
    }

    pub(super) fn sources(&mut self) {
        let mut names = Vec::new();
        for (i, source) in self.definitions.sources.iter().enumerate() {
            let path = item("sources", i);
            if let Connection::Files(files) = &source.connection {
                self.folder(&files.url, &path.field("connection").field("files").field("url"));
            }
            let tables = path.field("tables");
            if source.tables.is_empty() {
                self.warning(&tables, format!("the source `{}` has no tables", source.id), "add its tables");
            }
            for (i, table) in source.tables.iter().enumerate() {
                let path = tables.item(i);
                self.declared_table(table, &path);
                names.push((table.name.clone(), path.field("name")));
            }
        }
        self.distinct(names.into_iter(), |name, first| {
            (
                format!("two tables have the name `{name}`, the first at `{first}`"),
                "give one of them another name, and say where it is with `path`".into(),
            )
        });
    }

    fn folder(&mut self, url: &str, path: &Path) {
        if url.trim().is_empty() {
            return self.error(path, "the URL is empty", "write a folder, or `s3://bucket/prefix`");
        }
        if let Some((scheme, _)) = url.split_once("://")
            && !SCHEMES.contains(&scheme)
        {
            self.error(path, format!("`{scheme}` is not a known place of files"), word::use_nearest(scheme, SCHEMES));
        }
    }

    fn declared_table(&mut self, table: &Table, path: &Path) {
        self.name(&table.name, "table", &path.field("name"));
        if table.name.contains('.') {
            self.error(
                &path.field("name"),
                format!("the table name `{}` has a dot in it, which separates table and column", table.name),
                "choose a name without dots, and say where the table is with `path`",
            );
        }
        if table.name == schema::CAMPAIGN_RECIPIENTS {
            return self.error(
                &path.field("name"),
                format!("`{}` is the built-in table of what earlier runs sent to whom", table.name),
                "choose another name, and say where the table is with `path`",
            );
        }
        let schema = self.catalog.and_then(|catalog| catalog.table(&table.name));
        if let Some(schema) = schema
            && schema.column(&table.customer_key).is_none()
        {
            self.missing_column(schema, &table.customer_key, &path.field("customer_key"));
        }
        let semantics = path.field("semantics");
        let mut columns: BTreeMap<&str, &str> = BTreeMap::new();
        for (column, semantic) in &table.semantics {
            let place = semantics.field(column);
            if let Some(schema) = schema
                && schema.column(column).is_none()
            {
                self.missing_column(schema, column, &place);
            }
            let plain = semantic.to_ascii_lowercase().replace('_', "-");
            if !schema::semantics().any(|known| known == plain) {
                self.warning(
                    &place,
                    format!("`{semantic}` is a meaning that no destination knows"),
                    word::use_nearest(&plain, schema::semantics()),
                );
            }
            if let Some(first) = columns.insert(semantic, column) {
                self.warning(
                    &place,
                    format!("both `{first}` and `{column}` of `{}` mean `{semantic}`", table.name),
                    "keep the meaning at the better column; the first of the table is mapped by default",
                );
            }
        }
    }
}
