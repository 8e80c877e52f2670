//! What stands in a snapshot besides the assignment: mapped columns, cleaned columns, rows of many-rows tables, and
//! who is there only to be suppressed.

use consign_model::definition::ColumnRef;
use consign_model::plan::{AssignPlan, CleanedColumn, Prehashed, RegionRule};
use consign_model::snapshot;
use consign_model::spec::Normalisation;
use serde_json::json;

use crate::workspace::{Workspace, condition, plan, slug, sub_audience, values};

const CUSTOMERS: &str = "customer_id,email,phone,country,age,opted_in\n\
    a, Ada@Example.com ,030 123456,DE,36,true\n\
    b,ada@example.com,+1 202 555 0143,,41,false\n\
    c,not an address,,US,,true\n\
    d,,,,50,true\n";

fn workspace() -> Workspace {
    Workspace::new().table("Customers", "customers.csv", CUSTOMERS).rows(
        "Orders",
        "orders.csv",
        "customer_id,sku,contact,qty\na,z,x@example.com,2\nb,q,B@example.com,9\na,b,,1\na,b,Y@Example.com,1\na,b,,1\n",
    )
}

fn cleaned(column: &str, normalisation: Normalisation) -> CleanedColumn {
    let column: ColumnRef = column.parse().unwrap();
    let region = (normalisation == Normalisation::Phone).then(|| RegionRule {
        column: Some(ColumnRef::new("Customers", "country")),
        default_region: "US".into(),
        strict: false,
    });
    CleanedColumn { column, normalisation, prehashed: Prehashed::Sha256, region }
}

fn mapped() -> AssignPlan {
    AssignPlan {
        columns: ["Customers.age", "Customers.email", "Orders.sku", "Orders.qty"]
            .map(|name| name.parse().unwrap())
            .into(),
        cleaned: vec![
            cleaned("Customers.age", Normalisation::Text),
            cleaned("Customers.email", Normalisation::Email),
            cleaned("Customers.phone", Normalisation::Phone),
            cleaned("Orders.contact", Normalisation::Email),
        ],
        ..plan()
    }
}

async fn shown(workspace: &Workspace, plan: &AssignPlan) -> String {
    workspace.assign(plan).await.unwrap();
    let url = workspace.url("snapshot.parquet");
    let names = consign_engine::Snapshot::open(&url).await.unwrap().schema();
    let mut shown = String::new();
    for field in names.fields().iter().filter(|field| field.name() != snapshot::CUSTOMER_KEY) {
        shown.push_str(&format!("{}: {:?}\n", field.name(), values(&url, field.name()).await));
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_mapped_and_cleaned_and_rows_gathered_in_the_order_of_their_values() {
    insta::assert_snapshot!(shown(&workspace(), &mapped()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_excluded_or_lacks_consent_is_there_with_identifiers_alone() {
    let plan = AssignPlan {
        include: vec![condition(json!({ "column": "Customers.age", "operator": "less_than", "value": 45 }))],
        exclude: vec![condition(json!({ "column": "Customers.age", "operator": "is", "value": 41 }))],
        always_exclude: vec![condition(json!({ "column": "Customers.age", "operator": "is_null" }))],
        consents: [(slug("mail"), condition(json!({ "column": "Customers.opted_in", "operator": "is_true" })))].into(),
        ..mapped()
    };
    let workspace = workspace();
    insta::assert_snapshot!(shown(&workspace, &plan).await);
    let (assigned, rows) = workspace.assign(&plan).await.unwrap();
    assert_eq!(assigned.audience, 1);
    assert_eq!((assigned.included, assigned.excluded, assigned.always_excluded), (vec![2], vec![1], 0));
    assert_eq!(assigned.rows, rows.len() as u64);
    // d is neither in the audience nor to be suppressed.
    assert!(rows.iter().all(|row| row.key != "d"));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_of_customers_however_many_sub_audiences_they_are_in() {
    let any = || Some(condition(json!({ "all": [] })));
    let plan = AssignPlan {
        first_match_only: false,
        include: vec![
            condition(json!({ "all": [] })),
            condition(json!({ "column": "Customers.age", "operator": "is", "value": 36 })),
        ],
        exclude: vec![condition(json!({ "column": "Customers.age", "operator": "is", "value": 50 }))],
        sub_audiences: vec![
            sub_audience("one", any(), &[10_000]),
            sub_audience("two", any(), &[10_000]),
            sub_audience("remaining", None, &[]),
        ],
        ..plan()
    };
    let (assigned, _) = workspace().assign(&plan).await.unwrap();
    assert_eq!(assigned.audience, 3);
    assert_eq!((assigned.included, assigned.excluded), (vec![4, 1], vec![1]));
    assert_eq!(assigned.sub_audiences.iter().map(|one| one.customers).collect::<Vec<_>>(), [3, 3, 0]);
}
