//! Filters that Postgres evaluates for us: those that mean the same there. The engine applies them again, so that a row
//! too many does no harm.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::sql::unparser::Unparser;
use datafusion::sql::unparser::dialect::PostgreSqlDialect;

use super::Relation;
use super::columns::ColumnKind;

/// The SQL of a filter; `None` where Postgres might see it otherwise.
pub(super) fn sql(relation: &Relation, filter: &Expr) -> Option<String> {
    if !same_meaning(relation, filter) {
        return None;
    }
    let unqualified = filter.clone().transform(|expr| {
        Ok(match expr {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::from_name(column.name))),
            other => Transformed::no(other),
        })
    });
    let sql = Unparser::new(&PostgreSqlDialect {}).expr_to_sql(&unqualified.ok()?.data).ok()?;
    Some(sql.to_string())
}

fn same_meaning(relation: &Relation, filter: &Expr) -> bool {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            same_meaning(relation, left) && same_meaning(relation, right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => compared(relation, left, *op, right),
        Expr::IsNull(of) | Expr::IsNotNull(of) => column(relation, of).is_some(),
        Expr::InList(list) => column(relation, &list.expr).is_some_and(equals) && list.list.iter().all(literal),
        Expr::Between(between) => {
            column(relation, &between.expr).is_some_and(orders) && literal(&between.low) && literal(&between.high)
        }
        _ => false,
    }
}

fn compared(relation: &Relation, left: &Expr, operator: Operator, right: &Expr) -> bool {
    let column = match (column(relation, left), column(relation, right)) {
        (Some(column), None) if literal(right) => column,
        (None, Some(column)) if literal(left) => column,
        _ => return false,
    };
    match operator {
        Operator::Eq | Operator::NotEq => equals(column),
        Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => orders(column),
        _ => false,
    }
}

fn literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if !value.is_null())
}

fn column(relation: &Relation, expr: &Expr) -> Option<ColumnKind> {
    let Expr::Column(column) = expr else { return None };
    let (i, _) = relation.schema.column_with_name(&column.name)?;
    relation.kinds.get(i).copied()
}

/// Kinds whose values are equal there where they are here.
fn equals(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Text) || orders(kind)
}

/// Kinds whose values are ordered there as they are here; texts follow the collation.
fn orders(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Boolean | ColumnKind::Int16 | ColumnKind::Int32 | ColumnKind::Int64 | ColumnKind::Date)
}
