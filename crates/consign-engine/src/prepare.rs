//! What every operation does first: a view of the tables that it needs, with SQL segments evaluated, keys looked at and
//! ranks found. What is left is one plan.

use std::collections::BTreeMap;

use consign_model::id::Slug;
use tokio_util::sync::CancellationToken;

use crate::compile::Compiler;
use crate::error::EngineError;
use crate::frame::{Frame, Needs};
use crate::keys::{self, Keys};
use crate::moment::Moment;
use crate::rank::Ranks;
use crate::session::Joins;
use crate::sql;
use crate::tables::Tables;
use crate::view::View;

/// What is asked of the tables.
pub(crate) struct Question<'a> {
    pub moment: Moment,
    pub customer_table: &'a str,
    pub sql_segments: &'a BTreeMap<Slug, String>,
    pub needs: Needs,
}

/// Everything that a plan is made of, ready.
pub(crate) struct Prepared<'a> {
    pub tables: &'a Tables,
    pub question: Question<'a>,
    pub view: View,
    pub keys: Keys,
    pub joins: Joins,
    ranks: Ranks,
}

impl<'a> Prepared<'a> {
    pub async fn new(
        tables: &'a Tables,
        question: Question<'a>,
        cancel: &CancellationToken,
    ) -> Result<Self, EngineError> {
        let mut view = View::new(&tables.shared, question.moment, cancel)?;
        let needs = &question.needs;
        let read = needs.tables(question.customer_table);
        view.prepare(tables, &read).await?;
        sql::evaluate(tables, question.sql_segments, &mut view).await?;
        let keys = keys::check(tables, read.keys(), &view).await?;
        let ranks = Ranks::find(tables, &needs.ranks, &view).await?;
        let bytes = needs.joined_bytes(tables, question.customer_table, &keys.rows) + view.segment_keys() * 96;
        let joins = Joins::for_bytes(bytes, tables.shared.memory);
        Ok(Self { tables, question, view, keys, joins, ranks })
    }

    /// One row a customer, or the row of one customer only.
    pub fn frame<'b>(&'b self, only: Option<&'b str>) -> Frame<'b> {
        Frame {
            tables: self.tables,
            customer_table: self.question.customer_table,
            needs: &self.question.needs,
            compiler: Compiler { moment: self.question.moment, ranks: &self.ranks },
            view: &self.view,
            only,
        }
    }

    /// Customers of the customer table.
    pub fn customers(&self) -> u64 {
        self.keys.rows.get(self.question.customer_table).copied().unwrap_or_default()
    }
}
