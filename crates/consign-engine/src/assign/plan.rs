//! The one plan of an assignment.

use arrow::datatypes::DataType;
use consign_model::condition::Condition;
use consign_model::definition::Split;
use consign_model::plan::{AssignPlan, CleanedColumn};
use consign_model::snapshot::{self, CUSTOMER_KEY, EXCLUDED, GROUP, POSITION, SUB_AUDIENCE};
use consign_model::spec::Normalisation;
use consign_model::split::thresholds;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit, when};
use datafusion::scalar::ScalarValue;

use crate::compile::named;
use crate::error::EngineError;
use crate::frame::{Frame, cleaned};
use crate::functions::{matches, position, sorted_rows};
use crate::needs::Needs;
use crate::parts::Part;
use crate::prepare::Prepared;

/// In the audience.
pub(super) const IN: &str = "#in";
/// In none, and not in the snapshot either: only counted.
pub(super) const COUNTED_ONLY: &str = "#counted";
/// The sub-audiences of a customer, as a list.
const MATCHES: &str = "#matches";

pub(super) fn included(i: usize) -> String {
    format!("#include.{i}")
}

pub(super) fn excluded(i: usize) -> String {
    format!("#exclude.{i}")
}

fn sub_audience(i: usize) -> String {
    format!("#sub.{i}")
}

/// The plan: the columns of the snapshot, then those that are counted; rows in the snapshot's order.
pub(super) fn logical(prepared: &Prepared<'_>, part: &Part, plan: &AssignPlan) -> Result<LogicalPlan, EngineError> {
    let frame = prepared.frame(part, None);
    let conditions = conditions(plan, &frame)?;
    let steps = Steps { needs: &prepared.question.needs, this_year: prepared.question.moment.this_year(), plan };
    let built = frame.plan()?.project(steps.with_conditions(conditions)).and_then(|rows| {
        let rows = rows.project(steps.with_audience())?.filter(steps.wanted())?;
        steps.with_sub_audiences(rows)?.project(steps.snapshot())?.sort(order())?.build()
    });
    built.map_err(|error| prepared.view.error(error))
}

/// Every condition of the plan under its name; true or false, never null.
fn conditions(plan: &AssignPlan, frame: &Frame<'_>) -> Result<Vec<Expr>, EngineError> {
    let compile = |condition: &Condition, name: String| {
        frame.compiler.condition(condition, frame).map(|compiled| compiled.alias(name))
    };
    let mut conditions = Vec::new();
    for (i, condition) in plan.include.iter().enumerate() {
        conditions.push(compile(condition, included(i))?);
    }
    for (i, condition) in plan.exclude.iter().enumerate() {
        conditions.push(compile(condition, excluded(i))?);
    }
    conditions.push(frame.compiler.any(&plan.always_exclude, frame)?.alias(EXCLUDED));
    for (i, one) in plan.sub_audiences.iter().enumerate() {
        if let Some(condition) = &one.condition {
            conditions.push(compile(condition, sub_audience(i))?);
        }
    }
    for (destination, condition) in &plan.consents {
        conditions.push(compile(condition, snapshot::consent(destination))?);
    }
    Ok(conditions)
}

struct Steps<'a> {
    needs: &'a Needs,
    this_year: i32,
    plan: &'a AssignPlan,
}

impl Steps<'_> {
    /// What the snapshot's columns are made from.
    fn sources(&self) -> Vec<Expr> {
        let needs = self.needs;
        let mut columns = vec![named(CUSTOMER_KEY)];
        for (table, of) in &needs.columns {
            columns.extend(of.iter().map(|column| named(format!("{table}.{column}"))));
        }
        columns.extend(needs.rows.keys().map(|table| named(snapshot::rows(table))));
        columns
    }

    fn flags(&self) -> Vec<String> {
        let mut flags: Vec<String> = (0..self.plan.include.len()).map(included).collect();
        flags.extend((0..self.plan.exclude.len()).map(excluded));
        flags.push(EXCLUDED.into());
        flags.extend(self.plan.consents.keys().map(snapshot::consent));
        flags
    }

    fn conditional(&self) -> impl Iterator<Item = usize> {
        let sub_audiences = self.plan.sub_audiences.iter().enumerate();
        sub_audiences.filter(|(_, one)| one.condition.is_some()).map(|(i, _)| i)
    }

    fn with_conditions(&self, conditions: Vec<Expr>) -> Vec<Expr> {
        let mut columns = self.sources();
        columns.extend(conditions);
        columns
    }

    fn with_audience(&self) -> Vec<Expr> {
        let mut columns = self.sources();
        columns.extend(self.flags().into_iter().map(named));
        columns.extend(self.conditional().map(|i| named(sub_audience(i))));
        let any = |names: Vec<String>| names.into_iter().map(named).reduce(Expr::or).unwrap_or_else(|| lit(false));
        let include = any((0..self.plan.include.len()).map(included).collect());
        let exclude = any((0..self.plan.exclude.len()).map(excluded).collect());
        let audience = include.and(not(exclude)).and(not(named(EXCLUDED)));
        columns.push(audience.alias(IN));
        columns
    }

    /// Whether a customer outside the audience has identifiers that are not to be sent under another key.
    fn suppressed(&self) -> Expr {
        let lacks = self.plan.consents.keys().map(|destination| not(named(snapshot::consent(destination))));
        lacks.fold(named(EXCLUDED), Expr::or)
    }

    /// Rows of the snapshot, and those who are counted as excluded.
    fn wanted(&self) -> Expr {
        let include = (0..self.plan.include.len()).map(|i| named(included(i)));
        include.fold(self.suppressed(), Expr::or)
    }

    /// One row for each sub-audience that a customer is in; one with null for a customer outside the audience.
    fn with_sub_audiences(&self, rows: LogicalPlanBuilder) -> Result<LogicalPlanBuilder, DataFusionError> {
        let index = |i: usize| ScalarValue::UInt16(Some(u16::try_from(i).unwrap_or(u16::MAX)));
        let nobody = Expr::Literal(ScalarValue::UInt16(None), None);
        let remaining = index(self.plan.sub_audiences.len().saturating_sub(1));
        let mut columns = self.sources();
        columns.extend(self.flags().into_iter().map(named));
        columns.push(named(IN));
        if self.plan.first_match_only || self.conditional().next().is_none() {
            let first = when(not(named(IN)), nobody);
            let first = self
                .conditional()
                .fold(first, |mut case, i| case.when(named(sub_audience(i)), Expr::Literal(index(i), None)));
            let mut first = first;
            columns.push(first.otherwise(Expr::Literal(remaining, None))?.alias(SUB_AUDIENCE));
            return rows.project(columns);
        }
        let nobody = ScalarValue::new_list_nullable(&[ScalarValue::UInt16(None)], &DataType::UInt16);
        let all = matches(self.conditional().map(|i| named(sub_audience(i))).collect());
        let all = when(named(IN), all).otherwise(Expr::Literal(ScalarValue::List(nobody), None))?;
        let mut listed = columns.clone();
        listed.push(all.alias(MATCHES));
        columns.push(named(MATCHES).alias(SUB_AUDIENCE));
        rows.project(listed)?.unnest_column(MATCHES)?.project(columns)
    }

    /// The columns of the snapshot, then those that are counted.
    fn snapshot(&self) -> Vec<Expr> {
        let plan = self.plan;
        let place = position(&plan.split_key, named(CUSTOMER_KEY));
        let mut columns = vec![
            named(CUSTOMER_KEY),
            place.clone().alias(POSITION),
            named(SUB_AUDIENCE),
            self.group(&place).alias(GROUP),
            named(EXCLUDED),
        ];
        columns.extend(plan.consents.keys().map(|destination| named(snapshot::consent(destination))));
        let in_audience = |value: Expr| only_if(named(IN), value);
        let identifies = |value: Expr| only_if(named(IN).or(self.suppressed()), value);
        let many = &self.needs.rows;
        for column in plan.columns.iter().filter(|column| !many.contains_key(&column.table)) {
            let name = column.to_string();
            columns.push(in_audience(named(name.clone())).alias(name));
        }
        for column in plan.cleaned.iter().filter(|column| !many.contains_key(&column.column.table)) {
            let keep: &dyn Fn(Expr) -> Expr = if identifier(column) { &identifies } else { &in_audience };
            columns.push(cleaned(column, keep, self.this_year).alias(column.snapshot_name()));
        }
        for (table, rows) in many {
            let name = snapshot::rows(table);
            let keep: &dyn Fn(Expr) -> Expr =
                if rows.cleaned.iter().any(identifier) { &identifies } else { &in_audience };
            columns.push(sorted_rows(keep(named(name.clone()))).alias(name));
        }
        columns.push(not(named(IN).or(self.suppressed())).alias(COUNTED_ONLY));
        columns.push(named(IN));
        columns.extend((0..plan.include.len()).map(|i| named(included(i))));
        columns.extend((0..plan.exclude.len()).map(|i| named(excluded(i))));
        columns
    }

    /// The group that owns a position; null without groups, and where groups are filled later.
    fn group(&self, place: &Expr) -> Expr {
        let null = Expr::Literal(ScalarValue::UInt16(None), None);
        let mut cases: Vec<(Expr, Expr)> = Vec::new();
        if self.plan.split == Split::Stable {
            for (i, one) in self.plan.sub_audiences.iter().enumerate() {
                let shares: Vec<u32> = one.groups.iter().map(|group| group.hundredths).collect();
                let here = named(SUB_AUDIENCE).eq(lit(u16::try_from(i).unwrap_or(u16::MAX)));
                for (k, end) in thresholds(&shares).into_iter().enumerate() {
                    let group = lit(u16::try_from(k).unwrap_or(u16::MAX));
                    // Every position is below 2^64.
                    let Ok(end) = u64::try_from(end) else {
                        cases.push((here.clone(), group));
                        break;
                    };
                    cases.push((here.clone().and(place.clone().lt(lit(end))), group));
                }
            }
        }
        let mut cases = cases.into_iter();
        let Some((first, group)) = cases.next() else { return null };
        let mut case = when(first, group);
        for (condition, group) in cases {
            case = case.when(condition, group);
        }
        case.otherwise(null.clone()).unwrap_or(null)
    }
}

/// Whether a cleaned column is one by which customers are suppressed under other keys.
fn identifier(column: &CleanedColumn) -> bool {
    matches!(column.normalisation, Normalisation::Email | Normalisation::Phone)
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

/// A value where the condition holds, else null.
fn only_if(condition: Expr, value: Expr) -> Expr {
    when(condition, value.clone()).end().unwrap_or(value)
}

fn order() -> Vec<datafusion::logical_expr::SortExpr> {
    [POSITION, CUSTOMER_KEY, SUB_AUDIENCE].map(|name| named(name).sort(true, true)).to_vec()
}
