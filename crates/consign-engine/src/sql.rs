//! SQL segments: one `SELECT` that returns customer keys. Parsed and checked here, evaluated first, and joined to the
//! plan as a set of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use consign_model::definition::{Definitions, SegmentBody};
use consign_model::id::Slug;
use consign_model::problem::{Path, Problem};
use consign_model::schema::ColumnType;
use consign_model::snapshot::CUSTOMER_KEY;
use consign_model::word;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{SchemaError, TableReference};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Volatility};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, visit_relations};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use tokio_util::sync::CancellationToken;

use crate::compile::named;
use crate::error::EngineError;
use crate::frame::text;
use crate::moment::Moment;
use crate::session::Session;
use crate::source::Trouble;
use crate::source::types::{column_type, key, read};
use crate::tables::{OpenTable, Tables};
use crate::view::{View, WriteError};

impl Tables {
    /// Checks every SQL segment: one `SELECT` over known tables that returns one column of keys and calls nothing
    /// volatile. Each that is refused is a problem.
    pub async fn check_sql(&self, definitions: &Definitions) -> Vec<Problem> {
        let workspace = definitions.workspace.clone().unwrap_or_default();
        let time_zone = workspace.time_zone.parse().unwrap_or(chrono_tz::UTC);
        let moment = Moment { as_of: chrono::Utc::now(), time_zone };
        let mut problems = Vec::new();
        for (i, segment) in definitions.segments.iter().enumerate() {
            let SegmentBody::Sql(sql) = &segment.customers else { continue };
            let path = Path::default().field("segments").item(i).field("customers").field("sql");
            let problem = match self.check_one(sql, moment).await {
                Ok(()) => continue,
                Err(Refusal::Segment(trouble)) => Problem::error(path, trouble.reason, trouble.remedy),
                Err(Refusal::Engine(error)) => Problem::error(path, error.to_string(), "see the message"),
            };
            problems.push(problem);
        }
        problems
    }

    async fn check_one(&self, sql: &str, moment: Moment) -> Result<(), Refusal> {
        let query = Query::parse(sql)?;
        let view = View::new(&self.shared, moment, &CancellationToken::new())?;
        let mut providers = BTreeMap::new();
        for name in query.known(self)? {
            // A plan asks for the columns alone.
            let empty: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(Arc::clone(&self.table(name)?.stored)));
            providers.insert(name.clone(), empty);
        }
        query.plan(self, &providers, &view).await.map(drop)
    }
}

/// Evaluates the SQL segments of a plan into a view.
pub(crate) async fn evaluate(
    tables: &Tables,
    segments: &BTreeMap<Slug, String>,
    view: &mut View,
) -> Result<(), EngineError> {
    for (id, sql) in segments {
        view.stop_if_cancelled()?;
        let evaluated = async {
            let query = Query::parse(sql)?;
            let mut providers = BTreeMap::new();
            for name in query.known(tables)? {
                providers.insert(name.clone(), view.live(tables, name).await?);
            }
            let (_, plan) = query.plan(tables, &providers, view).await?;
            let path = view.path(&format!("segment-{id}.parquet"));
            let count = view.write(&plan, &path).await.map_err(|error| match error {
                WriteError::Engine(error) => Refusal::Engine(error),
                WriteError::Disk(trouble) => Refusal::Segment(trouble),
            })?;
            Ok((view.open(&path).await?, count))
        };
        let (keys, count) = evaluated.await.map_err(|refusal| match refusal {
            Refusal::Segment(Trouble { reason, remedy }) => {
                EngineError::SqlSegment { segment: id.to_string(), reason, remedy }
            }
            Refusal::Engine(error) => error,
        })?;
        view.put_segment(id, keys, count);
    }
    Ok(())
}

/// Why a segment has no keys: it is refused, or the engine failed.
enum Refusal {
    Segment(Trouble),
    Engine(EngineError),
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        Self::Segment(trouble)
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// A parsed `SELECT`.
struct Query {
    statement: ast::Statement,
    /// The tables that it names, without those that it defines itself.
    tables: BTreeSet<String>,
}

impl Query {
    fn parse(sql: &str) -> Result<Self, Trouble> {
        let remedy = "write one `SELECT` that returns the customer key";
        let statements = Parser::parse_sql(&GenericDialect {}, sql)
            .map_err(|error| Trouble::new(format!("the SQL cannot be read: {error}"), remedy))?;
        let number = statements.len();
        let mut statements = statements.into_iter();
        let (Some(statement), None) = (statements.next(), statements.next()) else {
            return Err(Trouble::new(format!("there are {number} statements"), remedy));
        };
        let ast::Statement::Query(query) = &statement else {
            return Err(Trouble::new("the statement is no `SELECT`", remedy));
        };
        if !selects(&query.body) {
            return Err(Trouble::new("the statement is no plain `SELECT`", remedy));
        }
        let own = query.with.iter().flat_map(|with| &with.cte_tables);
        let own: BTreeSet<String> = own.map(|table| table.alias.name.value.clone()).collect();
        let mut tables = BTreeSet::new();
        let _: ControlFlow<()> = visit_relations(&statement, |relation| {
            let parts = relation.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.as_str());
            tables.insert(parts.collect::<Vec<_>>().join("."));
            ControlFlow::Continue(())
        });
        tables.retain(|table| !own.contains(table));
        Ok(Self { statement, tables })
    }

    /// The tables that it reads, all of which are open.
    fn known<'a>(&self, tables: &'a Tables) -> Result<Vec<&'a String>, Trouble> {
        let known = |name: &String| {
            tables.open.get_key_value(name).map(|(name, _)| name).ok_or_else(|| {
                let names = tables.open.keys().map(String::as_str);
                Trouble::new(format!("there is no table `{name}`"), word::use_nearest(name, names))
            })
        };
        self.tables.iter().map(known).collect()
    }

    /// The plan that returns the keys, distinct and never null or empty, as text.
    async fn plan(
        self,
        tables: &Tables,
        providers: &BTreeMap<String, Arc<dyn TableProvider>>,
        view: &View,
    ) -> Result<(Session, LogicalPlan), Refusal> {
        let session = view.session()?;
        for (name, provider) in providers {
            register(&session, tables.table(name)?, provider).map_err(|error| view.error(error))?;
        }
        let planned = session.state.statement_to_plan(Statement::Statement(Box::new(self.statement))).await;
        let plan = planned.map_err(|error| refused(&error))?;
        check(&plan)?;
        let fields = plan.schema().fields();
        let [field] = fields.as_ref() else {
            return Err(Trouble::new(
                format!("the `SELECT` returns {}", word::count(fields.len(), "column")),
                "return the customer key as its only column",
            )
            .into());
        };
        if !matches!(column_type(field.data_type()), ColumnType::Text | ColumnType::Number) {
            return Err(Trouble::new(
                format!("the column `{}` that the `SELECT` returns is neither text nor number", field.name()),
                "return the customer key",
            )
            .into());
        }
        let (qualifier, field) = plan.schema().qualified_field(0);
        let column = Expr::Column(datafusion::common::Column::new(qualifier.cloned(), field.name().clone()));
        let as_text = datafusion::logical_expr::cast(column, arrow::datatypes::DataType::Utf8View);
        let present = named(CUSTOMER_KEY).is_not_null().and(named(CUSTOMER_KEY).not_eq(text("")));
        let keys = LogicalPlanBuilder::from(plan)
            .project([as_text.alias(CUSTOMER_KEY)])
            .and_then(|plan| plan.filter(present)?.distinct()?.build());
        let keys = keys.map_err(|error| refused(&error))?;
        // Optimising finds what types forbid, before anything runs.
        session.state.optimize(&keys).map_err(|error| refused(&error))?;
        Ok((session, keys))
    }
}

/// Whether a query is made of `SELECT`s alone.
fn selects(body: &ast::SetExpr) -> bool {
    match body {
        ast::SetExpr::Select(select) => select.into.is_none(),
        ast::SetExpr::Query(query) => selects(&query.body),
        ast::SetExpr::SetOperation { left, right, .. } => selects(left) && selects(right),
        _ => false,
    }
}

/// Makes a table known to a session, with its columns as they are read.
fn register(session: &Session, table: &OpenTable, provider: &Arc<dyn TableProvider>) -> Result<(), DataFusionError> {
    let name = &table.schema.name;
    let columns = table.stored.fields().iter().map(|field| {
        let value = if field.name() == &table.schema.customer_key { key(field) } else { read(field) };
        value.alias(field.name())
    });
    let reference = TableReference::bare(name.clone());
    let plan = LogicalPlanBuilder::scan(reference.clone(), provider_as_source(Arc::clone(provider)), None)?
        .project(columns.collect::<Vec<_>>())?
        .build()?;
    let schema = session.state.schema_for_ref(reference)?;
    schema.register_table(name.clone(), Arc::new(ViewTable::new(plan, None))).map(drop)
}

/// Refuses plans that do more than read, or that give another answer each time.
fn check(plan: &LogicalPlan) -> Result<(), Trouble> {
    let mut volatile = None;
    let mut reads = true;
    // The closures fail never, so neither does the walk.
    let _ = plan.apply_with_subqueries(|node| {
        reads &= !matches!(
            node,
            LogicalPlan::Dml(_) | LogicalPlan::Ddl(_) | LogicalPlan::Copy(_) | LogicalPlan::Statement(_)
        );
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(function) = expr
                    && function.func.signature().volatility == Volatility::Volatile
                {
                    volatile = Some(function.func.name().to_owned());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    if !reads {
        return Err(Trouble::new("the statement does more than read", "write one `SELECT`"));
    }
    match volatile {
        None => Ok(()),
        Some(function) => Err(Trouble::new(
            format!("`{function}()` gives another answer each time"),
            "remove it, so that the segment is the same however often it is evaluated",
        )),
    }
}

/// Why a statement makes no plan.
fn refused(error: &DataFusionError) -> Trouble {
    let root = error.find_root();
    if let DataFusionError::SchemaError(schema, _) = root
        && let SchemaError::FieldNotFound { field, valid_fields } = &**schema
    {
        let known: Vec<String> = valid_fields.iter().map(|column| column.name.clone()).collect();
        return Trouble::new(
            format!("there is no column `{}`", field.flat_name()),
            word::use_nearest(&field.name, known.iter().map(String::as_str)),
        );
    }
    let reason = root.strip_backtrace();
    let reason = reason.lines().next().unwrap_or_default().trim_end_matches('.');
    let reason = reason.strip_prefix("Error during planning: ").unwrap_or(reason);
    Trouble::new(reason, "mend the SQL; it is that of Apache DataFusion, and names keep their case")
}
