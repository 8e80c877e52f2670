//! What every operation does first: a view of the tables that it needs, with SQL segments evaluated, keys looked at and
//! ranks found. What is left is one plan, or one for each of several parts.

use std::collections::BTreeMap;

use consign_model::id::Slug;
use tokio_util::sync::CancellationToken;

use crate::compile::Compiler;
use crate::error::EngineError;
use crate::frame::Frame;
use crate::keys::{self, Keys};
use crate::moment::Moment;
use crate::needs::{Needs, ROW};
use crate::parts::{self, Part};
use crate::rank::Ranks;
use crate::sql;
use crate::tables::Tables;
use crate::view::View;

/// What is asked of the tables.
pub(crate) struct Question<'a> {
    pub moment: Moment,
    pub customer_table: &'a str,
    pub sql_segments: &'a BTreeMap<Slug, String>,
    /// What positions are made from.
    pub split_key: &'a str,
    pub needs: Needs,
}

/// Everything that a plan is made of, ready.
pub(crate) struct Prepared<'a> {
    pub tables: &'a Tables,
    pub question: Question<'a>,
    pub view: View,
    pub keys: Keys,
    /// What the plans read, in order of position.
    pub parts: Vec<Part>,
    ranks: Ranks,
}

impl<'a> Prepared<'a> {
    /// Lays the tables out in as many parts as an assignment, or any other plan over all customers, asks of memory.
    pub async fn lay_out(&mut self) -> Result<(), EngineError> {
        let Question { needs, customer_table, .. } = &self.question;
        self.lay_out_for(needs.bytes(self.tables, customer_table, &self.keys.rows)).await
    }

    /// The same for a plan that counts customers, which holds less.
    pub async fn lay_out_for_count(&mut self) -> Result<(), EngineError> {
        let Question { needs, customer_table, .. } = &self.question;
        self.lay_out_for(needs.bytes_of_count(self.tables, customer_table, &self.keys.rows)).await
    }

    /// In as many parts as a plan needs that holds so many bytes of the tables, and the keys of segments.
    async fn lay_out_for(&mut self, bytes: u64) -> Result<(), EngineError> {
        let keys = self.view.segment_keys() * ROW;
        let number = parts::number(bytes + keys, self.tables.shared.memory);
        if number > 1 {
            let Question { needs, customer_table, split_key, .. } = &self.question;
            let read = needs.tables(customer_table);
            self.parts = parts::lay_out(self.tables, &read, split_key, &self.view, number).await?;
        }
        Ok(())
    }

    /// Everything in one part: enough for a plan over one customer.
    pub async fn whole(
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
        let parts = vec![view.whole()];
        Ok(Self { tables, question, view, keys, parts, ranks })
    }

    /// One row a customer, or the row of one customer only.
    pub fn frame<'b>(&'b self, part: &'b Part, only: Option<&'b str>) -> Frame<'b> {
        Frame {
            tables: self.tables,
            customer_table: self.question.customer_table,
            needs: &self.question.needs,
            compiler: Compiler { moment: self.question.moment, ranks: &self.ranks },
            view: &self.view,
            part,
            only,
        }
    }

    /// Customers of the customer table.
    pub fn customers(&self) -> u64 {
        self.keys.rows.get(self.question.customer_table).copied().unwrap_or_default()
    }
}
