//! Explaining one customer: which conditions hold, and where they lead.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use consign_model::condition::{AggregateFunction, AggregateTest, Condition, Operand, Operator, Scalar, Span};
use consign_model::definition::Split;
use consign_model::id::Slug;
use consign_model::plan::AssignPlan;
use consign_model::split::{Positions, group_of, thresholds};
use consign_model::word;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use futures::StreamExt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::assign::{conditions, question};
use crate::error::EngineError;
use crate::frame::Frame;
use crate::needs::Needs;
use crate::prepare::Prepared;
use crate::tables::Tables;

/// Why a customer is where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerExplanation {
    /// The customer.
    pub customer_key: String,
    /// Its position under the campaign's split key.
    pub position: u64,
    /// Whether it is in the audience.
    pub in_audience: bool,
    /// The included segments.
    pub include: Vec<Explained>,
    /// The excluded segments.
    pub exclude: Vec<Explained>,
    /// The workspace's `always_exclude`.
    pub always_exclude: Vec<Explained>,
    /// The sub-audiences, as in the plan.
    pub sub_audiences: Vec<ExplainedSubAudience>,
    /// The consent rules, by destination.
    pub consents: BTreeMap<Slug, Explained>,
}

/// A sub-audience, as far as one customer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedSubAudience {
    /// Its id.
    pub id: Slug,
    /// Its name.
    pub name: String,
    /// Its condition; `None` for **remaining**.
    pub condition: Option<Explained>,
    /// Whether the customer is in it.
    pub assigned: bool,
    /// The customer's group there, as an index into the plan's, under a stable split. `None` where it is not in the
    /// sub-audience, where that has no groups, and under an exact split, which the run's snapshot alone knows.
    pub group: Option<usize>,
}

/// A condition, and whether it holds for the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The condition as a sentence; of a tree only its head, such as `all of`.
    pub text: String,
    /// Whether it holds.
    pub holds: bool,
    /// The parts of a tree.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Explained>,
}

impl Tables {
    /// Explains one customer; `None` where the customer table does not have it.
    pub async fn explain(
        &self,
        plan: &AssignPlan,
        customer_key: &str,
    ) -> Result<Option<CustomerExplanation>, EngineError> {
        let mut needs = Needs::default();
        for condition in conditions(plan) {
            needs.condition(condition, self)?;
        }
        let prepared = Box::pin(Prepared::whole(self, question(plan, needs), &CancellationToken::new())).await?;
        let Some(part) = prepared.parts.first() else { return Ok(None) };
        let frame = prepared.frame(part, Some(customer_key));
        let mut nodes = Vec::new();
        for condition in conditions(plan) {
            compile(condition, &frame, &mut nodes)?;
        }
        let named = nodes.into_iter().enumerate().map(|(i, node)| node.alias(format!("#node.{i}")));
        let key = crate::compile::named(consign_model::snapshot::CUSTOMER_KEY);
        let rows = frame.plan()?.project(std::iter::once(key).chain(named)).and_then(LogicalPlanBuilder::build);
        let rows = rows.map_err(|error| prepared.view.error(error))?;
        let mut stream = prepared.view.session()?.run(&rows).await?;
        let mut holds = None;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|error| prepared.view.error(error))?;
            if batch.num_rows() > 0 {
                let flags = batch.columns().iter().skip(1).map(|column| column.as_boolean().value(0));
                holds = Some(flags.collect::<Vec<bool>>());
            }
        }
        Ok(holds.map(|holds| explanation(plan, customer_key, &holds)))
    }
}

/// Compiles every node of a tree, a tree before its parts.
fn compile(condition: &Condition, frame: &Frame<'_>, nodes: &mut Vec<Expr>) -> Result<(), EngineError> {
    nodes.push(frame.compiler.condition(condition, frame)?);
    parts(condition).into_iter().try_for_each(|part| compile(part, frame, nodes))
}

fn parts(condition: &Condition) -> Vec<&Condition> {
    match condition {
        Condition::All(all) => all.all.iter().collect(),
        Condition::Any(any) => any.any.iter().collect(),
        Condition::Not(not) => vec![&not.not],
        Condition::Segment(_) | Condition::Column(_) | Condition::Aggregate(_) => Vec::new(),
    }
}

fn explanation(plan: &AssignPlan, customer_key: &str, holds: &[bool]) -> CustomerExplanation {
    // In the order of `conditions`.
    let mut holds = holds.iter().copied();
    let mut explain = |condition: &Condition| explained(condition, &mut holds);
    let include: Vec<_> = plan.include.iter().map(&mut explain).collect();
    let exclude: Vec<_> = plan.exclude.iter().map(&mut explain).collect();
    let always_exclude: Vec<_> = plan.always_exclude.iter().map(&mut explain).collect();
    let any = |explained: &[Explained]| explained.iter().any(|one| one.holds);
    let in_audience = any(&include) && !any(&exclude) && !any(&always_exclude);
    let position = Positions::new(&plan.split_key).of(customer_key);
    let mut matched = false;
    let mut sub_audiences = Vec::new();
    for one in &plan.sub_audiences {
        let condition = one.condition.as_ref().map(&mut explain);
        let assigned = match &condition {
            Some(condition) => in_audience && condition.holds && !(matched && plan.first_match_only),
            None => in_audience && !matched,
        };
        matched |= assigned;
        let shares: Vec<u32> = one.groups.iter().map(|group| group.hundredths).collect();
        let stable = assigned && plan.split == Split::Stable;
        let group = if stable { group_of(position, &thresholds(&shares)) } else { None };
        let (id, name) = (one.id.clone(), one.name.clone());
        sub_audiences.push(ExplainedSubAudience { id, name, condition, assigned, group });
    }
    let consents = plan.consents.iter().map(|(id, condition)| (id.clone(), explain(condition))).collect();
    CustomerExplanation {
        customer_key: customer_key.to_owned(),
        position,
        in_audience,
        include,
        exclude,
        always_exclude,
        sub_audiences,
        consents,
    }
}

fn explained(condition: &Condition, holds: &mut impl Iterator<Item = bool>) -> Explained {
    let here = holds.next().unwrap_or_default();
    let parts = parts(condition).into_iter().map(|part| explained(part, holds)).collect();
    Explained { text: head(condition), holds: here, parts }
}

/// A condition as a sentence; of a tree its head.
fn head(condition: &Condition) -> String {
    match condition {
        Condition::All(_) => "all of".into(),
        Condition::Any(_) => "any of".into(),
        Condition::Not(_) => "not".into(),
        Condition::Segment(segment) => format!("in the segment `{}`", segment.segment),
        Condition::Column(test) => comparison(&test.column.to_string(), Some(test.operator), test.value.as_ref()),
        Condition::Aggregate(test) => aggregate(test),
    }
}

/// A condition as one sentence, a tree with all its parts.
fn sentence(condition: &Condition) -> String {
    let joined = |conditions: &[Condition], word: &str| match conditions {
        [] => "nothing".to_owned(),
        some => format!("({})", some.iter().map(sentence).collect::<Vec<_>>().join(word)),
    };
    match condition {
        Condition::All(all) => joined(&all.all, " and "),
        Condition::Any(any) => joined(&any.any, " or "),
        Condition::Not(not) => format!("not {}", sentence(&not.not)),
        other => head(other),
    }
}

fn aggregate(test: &AggregateTest) -> String {
    let function = word::word(&test.aggregate);
    let mut of = match &test.of {
        Some(of) => format!("{function} of {}.{of}", test.table),
        None if test.aggregate == AggregateFunction::Exists => format!("has {}", test.table),
        None => format!("{function} of {}", test.table),
    };
    if let Some(condition) = &test.condition {
        of.push_str(" where ");
        of.push_str(&sentence(condition));
    }
    comparison(&of, test.operator, test.value.as_ref())
}

fn comparison(what: &str, operator: Option<Operator>, value: Option<&Operand>) -> String {
    let mut text = what.to_owned();
    if let Some(operator) = operator {
        text.push(' ');
        text.push_str(&word::word(&operator).replace('_', " "));
    }
    if let Some(value) = value {
        text.push(' ');
        text.push_str(&operand(value));
    }
    text
}

fn operand(value: &Operand) -> String {
    let list = |items: &[Scalar]| items.iter().map(scalar).collect::<Vec<_>>().join(", ");
    match value {
        Operand::Span(Span::Days(days)) => word::count(*days as usize, "day"),
        Operand::Span(Span::Weeks(weeks)) => word::count(*weeks as usize, "week"),
        Operand::Span(Span::Months(months)) => word::count(*months as usize, "month"),
        Operand::List(items) => list(items),
        Operand::Range(range) => format!("{} and {}", scalar(&range.from), scalar(&range.to)),
        Operand::One(value) => scalar(value),
    }
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Integer(number) => number.to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => format!("`{text}`"),
    }
}
