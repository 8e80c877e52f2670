//! Random conditions over random tables, compiled and interpreted: both say the same of every customer.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::Date32Type;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use consign_model::definition::RowsPerCustomer;
use consign_model::plan::AssignPlan;
use consign_model::schema::ColumnType;
use consign_model::snapshot;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use crate::interpreter::{Columns, Value, World};
use crate::workspace::{Workspace, condition, plan, slug, values};

/// Conditions that are compiled into one plan.
const CONDITIONS: usize = 12;

#[derive(Debug, Clone)]
struct Customer {
    name: Option<String>,
    score: Option<f64>,
    ratio: Option<f64>,
    level: Option<i64>,
    price: Option<i64>,
    born: Option<NaiveDate>,
    seen: Option<NaiveDateTime>,
    moment: Option<DateTime<Utc>>,
    vip: Option<bool>,
}

#[derive(Debug, Clone)]
struct Order {
    customer: usize,
    amount: Option<i64>,
    day: Option<NaiveDate>,
    kind: Option<String>,
}

fn texts() -> impl Strategy<Value = String> {
    select(&["", " ", "\t\u{a0}", "a", "ab", "Ab", "a%c", "abc\n", "Zoë", "😀", "00123", "b_c"][..])
        .prop_map(Into::into)
}

fn days() -> impl Strategy<Value = NaiveDate> {
    let special = ["2000-02-29", "1999-12-31", "2026-03-28", "2026-03-29", "2026-03-30", "2026-02-28", "1969-12-31"];
    prop_oneof![
        select(special.to_vec()).prop_map(|day| day.parse().unwrap()),
        (-40..420_i64).prop_map(|days| "2026-02-20".parse::<NaiveDate>().unwrap() + TimeDelta::days(days)),
    ]
}

fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    let midnights =
        ["2026-03-28T22:59:59.999Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-29T21:59:59Z"];
    prop_oneof![
        select(midnights.to_vec()).prop_map(|moment| moment.parse().unwrap()),
        (days(), 0..86_400_000_i64)
            .prop_map(|(day, ms)| { day.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::milliseconds(ms) }),
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    select(&[0.0, 1.0, -1.0, 0.5, 2.5, 0.1, 3.0, 1000.25, f64::NAN, f64::INFINITY][..])
}

fn customers() -> impl Strategy<Value = Customer> {
    let one = (
        weighted(0.8, texts()),
        weighted(0.8, numbers()),
        weighted(0.8, numbers()),
        weighted(0.8, -3..4_i64),
        weighted(0.8, -300..1200_i64),
        weighted(0.8, days()),
        weighted(0.8, moments().prop_map(|moment| moment.naive_utc())),
        weighted(0.8, moments()),
        weighted(0.8, any::<bool>()),
    );
    one.prop_map(|(name, score, ratio, level, price, born, seen, moment, vip)| Customer {
        name,
        score,
        ratio,
        level,
        price,
        born,
        seen,
        moment,
        vip,
    })
}

fn orders() -> impl Strategy<Value = Order> {
    let one = (0..12_usize, weighted(0.8, -50..300_i64), weighted(0.8, days()), weighted(0.8, texts()));
    one.prop_map(|(customer, amount, day, kind)| Order { customer, amount, day, kind })
}

fn test(column: &'static str, operators: &'static [&'static str], value: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    (select(operators), value)
        .prop_map(move |(operator, value)| match value {
            Json::Null => json!({ "column": column, "operator": operator }),
            value => json!({ "column": column, "operator": operator, "value": value }),
        })
        .boxed()
}

fn text_tests(column: &'static str) -> BoxedStrategy<Json> {
    let parts = texts().prop_filter("not empty", |text| !text.is_empty());
    let patterns = select(&["%", "a%", "%\\%%", "_", "a_", "%ë", "", "%c%"][..]).prop_map(Json::from);
    prop_oneof![
        test(column, &["is", "is_not"], texts().prop_map(Json::from).boxed()),
        test(column, &["in_list", "not_in_list"], vec(texts(), 1..4).prop_map(Json::from).boxed()),
        test(column, &["contains", "does_not_contain", "starts_with", "ends_with"], parts.prop_map(Json::from).boxed()),
        test(column, &["is_like"], patterns.boxed()),
        test(column, &["is_blank", "is_not_blank", "exists", "is_null", "is_not_null"], Just(Json::Null).boxed()),
    ]
    .boxed()
}

/// Values that decimals of two digits compare with exactly.
fn operands() -> BoxedStrategy<Json> {
    prop_oneof![(-3..5_i64).prop_map(Json::from), select(&[0.5, 2.5, 0.1, 1000.25, -0.5][..]).prop_map(Json::from)]
        .boxed()
}

fn number_operators(column: &'static str) -> BoxedStrategy<Json> {
    let list = vec(operands(), 1..4).prop_map(Json::from).boxed();
    let range = (-3..3_i64, 0..4_i64).prop_map(|(from, more)| json!({ "from": from, "to": from + more })).boxed();
    prop_oneof![
        test(column, &["is", "is_not", "greater_than", "at_least", "less_than", "at_most"], operands()),
        test(column, &["between", "not_between"], range),
        test(column, &["in_list", "not_in_list"], list),
        test(column, &["is_null", "is_not_null"], Just(Json::Null).boxed()),
    ]
    .boxed()
}

fn number_tests(column: &'static str) -> BoxedStrategy<Json> {
    let percent = select(&[1, 10, 34, 50, 100][..]).prop_map(Json::from).boxed();
    prop_oneof![
        4 => number_operators(column),
        1 => test(column, &["top_percent", "bottom_percent"], percent),
    ]
    .boxed()
}

fn spans() -> BoxedStrategy<Json> {
    prop_oneof![
        (0..60_u32).prop_map(|days| json!({ "days": days })),
        (0..8_u32).prop_map(|weeks| json!({ "weeks": weeks })),
        (0..12_u32).prop_map(|months| json!({ "months": months })),
    ]
    .boxed()
}

fn day_tests(column: &'static str) -> BoxedStrategy<Json> {
    let day = || days().prop_map(|day| Json::from(day.to_string()));
    let range = (days(), 0..50_i64)
        .prop_map(|(from, more)| json!({ "from": from.to_string(), "to": (from + TimeDelta::days(more)).to_string() }));
    prop_oneof![
        test(column, &["is_on", "is_before", "is_after"], day().boxed()),
        test(column, &["between"], range.boxed()),
        test(column, &["in_last", "more_than_ago", "in_next", "anniversary_in_next"], spans()),
        test(column, &["anniversary_in_next_month", "is_null", "is_not_null"], Just(Json::Null).boxed()),
        test(column, &["day_is"], (27..32_i64).prop_map(Json::from).boxed()),
        test(column, &["month_is"], (1..5_i64).prop_map(Json::from).boxed()),
    ]
    .boxed()
}

fn tree(leaf: BoxedStrategy<Json>, depth: u32) -> BoxedStrategy<Json> {
    leaf.prop_recursive(depth, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|all| json!({ "all": all })),
            vec(inner.clone(), 0..3).prop_map(|any| json!({ "any": any })),
            inner.prop_map(|not| json!({ "not": not })),
        ]
    })
    .boxed()
}

fn aggregates() -> BoxedStrategy<Json> {
    let rows = prop_oneof![text_tests("Orders.kind"), number_tests("Orders.amount"), day_tests("Orders.day")].boxed();
    let compared = prop_oneof![
        (select(&["sum", "avg", "min", "max"][..]), Just("amount"), number_operators("x")),
        (Just("count"), Just(""), number_operators("x")),
        (select(&["min", "max"][..]), Just("day"), day_tests("x")),
        (Just("exists"), Just(""), Just(Json::Null)),
    ];
    (compared, weighted(0.7, tree(rows, 2)))
        .prop_map(|((function, of, compared), condition)| {
            let mut test = json!({ "aggregate": function, "table": "Orders" });
            if !of.is_empty() {
                test["of"] = of.into();
            }
            if let Some(condition) = condition {
                test["where"] = condition;
            }
            for key in ["operator", "value"] {
                if let Some(value) = compared.get(key) {
                    test[key] = value.clone();
                }
            }
            test
        })
        .boxed()
}

fn conditions() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        2 => text_tests("Customers.name"),
        1 => number_tests("Scores.score"),
        1 => number_tests("Scores.ratio"),
        1 => number_tests("Customers.level"),
        1 => number_tests("Customers.price"),
        2 => day_tests("Customers.born"),
        2 => day_tests("Customers.seen"),
        2 => day_tests("Scores.moment"),
        1 => test("Customers.vip", &["is_true", "is_false", "is_null", "is_not_null"], Just(Json::Null).boxed()),
        4 => aggregates(),
    ];
    tree(leaf.boxed(), 3)
}

fn key(customer: usize) -> String {
    format!("{customer:03}")
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn day_numbers(days: impl Iterator<Item = Option<NaiveDate>>) -> ArrayRef {
    Arc::new(days.map(|day| day.map(Date32Type::from_naive_date)).collect::<Date32Array>())
}

fn workspace(customers: &[Customer], orders: &[Order]) -> Workspace {
    let all = || customers.iter();
    let keys: ArrayRef = Arc::new((0..customers.len()).map(|i| Some(key(i))).collect::<StringArray>());
    let cents = all().map(|one| one.price.map(i128::from)).collect::<Decimal128Array>();
    let people = batch(vec![
        ("customer_id", Arc::clone(&keys)),
        ("name", Arc::new(all().map(|one| one.name.clone()).collect::<StringArray>())),
        ("level", Arc::new(all().map(|one| one.level.map(|level| level as i32)).collect::<Int32Array>())),
        ("price", Arc::new(cents.with_precision_and_scale(10, 2).unwrap())),
        ("born", day_numbers(all().map(|one| one.born))),
        (
            "seen",
            Arc::new(
                all()
                    .map(|one| one.seen.map(|seen| seen.and_utc().timestamp_micros()))
                    .collect::<TimestampMicrosecondArray>(),
            ),
        ),
        ("vip", Arc::new(all().map(|one| one.vip).collect::<BooleanArray>())),
    ]);
    let moments = all().map(|one| one.moment.map(|moment| moment.timestamp_millis()));
    let scores = batch(vec![
        ("customer_id", keys),
        ("score", Arc::new(all().map(|one| one.score).collect::<Float64Array>())),
        ("ratio", Arc::new(all().map(|one| one.ratio.map(|ratio| ratio as f32)).collect::<Float32Array>())),
        ("moment", Arc::new(moments.collect::<TimestampMillisecondArray>().with_timezone("UTC"))),
    ]);
    let all = || orders.iter();
    let rows = batch(vec![
        ("customer_id", Arc::new(all().map(|one| Some(key(one.customer))).collect::<StringArray>())),
        ("amount", Arc::new(all().map(|one| one.amount.map(|cents| cents as f64 / 100.0)).collect::<Float64Array>())),
        ("day", day_numbers(all().map(|one| one.day))),
        ("kind", Arc::new(all().map(|one| one.kind.clone()).collect::<StringArray>())),
        ("line", Arc::new((0..orders.len() as i64).collect::<Int64Array>())),
    ]);
    Workspace::new()
        .parquet("Customers", RowsPerCustomer::One, &people)
        .parquet("Scores", RowsPerCustomer::One, &scores)
        .parquet("Orders", RowsPerCustomer::Many, &rows)
}

fn world(as_of: DateTime<Utc>, zone: chrono_tz::Tz, customers: &[Customer], orders: &[Order]) -> World {
    use ColumnType as T;
    let number = |number: Option<f64>| number.filter(|number| !number.is_nan()).map(Value::Float);
    let columns = |one: &Customer| -> Columns {
        vec![
            ("name", T::Text, one.name.clone().map(Value::Text)),
            ("score", T::Number, number(one.score)),
            // What a float of 32 bits is written as.
            ("ratio", T::Number, number(one.ratio)),
            ("level", T::Number, one.level.map(Value::Integer)),
            ("price", T::Number, one.price.map(Value::Cents)),
            ("born", T::Date, one.born.map(Value::Date)),
            ("seen", T::Timestamp, one.seen.map(Value::Local)),
            ("moment", T::Timestamp, one.moment.map(Value::Moment)),
            ("vip", T::Boolean, one.vip.map(Value::Boolean)),
        ]
    };
    let order = |one: &Order| -> Columns {
        vec![
            ("amount", T::Number, one.amount.map(Value::Cents)),
            ("day", T::Date, one.day.map(Value::Date)),
            ("kind", T::Text, one.kind.clone().map(Value::Text)),
        ]
    };
    let mut all: Vec<(Columns, Vec<Columns>)> = customers.iter().map(|one| (columns(one), Vec::new())).collect();
    for one in orders {
        if let Some((_, orders)) = all.get_mut(one.customer) {
            orders.push(order(one));
        }
    }
    World { as_of, zone, customers: all }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn compiled_and_interpreted_conditions_agree(
        people in vec(customers(), 1..12),
        purchases in vec(orders(), 0..30),
        trees in vec(conditions(), CONDITIONS),
        as_of in select(&["2026-03-29T10:00:00.5Z", "2026-03-28T23:30:00Z", "2028-02-28T12:00:00Z", "2026-12-31T22:59:59Z"][..]),
        zone in select(&[chrono_tz::Europe::Berlin, chrono_tz::UTC, chrono_tz::America::Los_Angeles][..]),
    ) {
        // Ranks look at the orders of nobody as well: leave them out, so that both see the same.
        let purchases: Vec<Order> = purchases.into_iter().filter(|one| one.customer < people.len()).collect();
        let as_of: DateTime<Utc> = as_of.parse().unwrap();
        let workspace = workspace(&people, &purchases);
        let world = world(as_of, zone, &people, &purchases);
        let named = |i: usize| slug(&format!("c{i}"));
        let compiled: Vec<_> = trees.iter().map(|tree| condition(tree.clone())).collect();
        let plan = AssignPlan {
            as_of,
            time_zone: zone,
            consents: compiled.iter().enumerate().map(|(i, one)| (named(i), one.clone())).collect(),
            ..plan()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let found = runtime.block_on(async {
            workspace.assign(&plan).await.unwrap();
            let mut found = Vec::new();
            for i in 0..compiled.len() {
                found.push(values(&workspace.url("snapshot.parquet"), &snapshot::consent(&named(i))).await);
            }
            found
        });
        for (i, one) in compiled.iter().enumerate() {
            for customer in 0..people.len() {
                let expected = world.holds(one, customer).to_string();
                prop_assert_eq!(&found[i][&key(customer)], &expected, "{} of {:?}", trees[i], people[customer]);
            }
        }
    }
}
