//! What is read from files, and what bad files say.

use std::fs;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use consign_model::definition::{ColumnRef, RowsPerCustomer, TableFormat};
use consign_model::plan::AssignPlan;
use consign_model::schema::ColumnType;
use serde_json::json;

use crate::workspace::{Workspace, array, condition, holds, plan, values};

async fn types(workspace: &Workspace) -> Vec<(String, ColumnType)> {
    let tables = workspace.tables().await;
    let table = tables.catalog().table("Customers").unwrap();
    table.columns.iter().map(|column| (column.name.clone(), column.column_type)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_column_is_a_number_only_where_no_value_would_change() {
    let csv = "customer_id,age,zip,phone,score,Born,seen_at,vip,note\n\
        1,30,10115,+49301234567,0.5,1990-02-28,2026-01-01 10:00:00,true,\n\
        2,,01067,4930123,12,,2026-01-02,FALSE,\"a, \"\"b\"\"\nc\"\n";
    let workspace = Workspace::new().table("Customers", "customers.csv", csv);
    let expected = [
        ("customer_id", ColumnType::Text),
        ("age", ColumnType::Number),
        ("zip", ColumnType::Text),
        ("phone", ColumnType::Text),
        ("score", ColumnType::Number),
        ("Born", ColumnType::Date),
        ("seen_at", ColumnType::Timestamp),
        ("vip", ColumnType::Boolean),
        ("note", ColumnType::Text),
    ];
    assert_eq!(types(&workspace).await, expected.map(|(name, of)| (name.to_owned(), of)));
    let columns = expected[1..].iter().map(|(name, _)| ColumnRef::new("Customers", *name)).collect();
    workspace.assign(&AssignPlan { columns, ..plan() }).await.unwrap();
    let url = workspace.url("snapshot.parquet");
    let mut shown = String::new();
    for (name, _) in &expected[1..] {
        shown.push_str(&format!("{name}: {:?}\n", values(&url, &format!("Customers.{name}")).await));
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leading_zero_late_in_a_long_file_still_counts() {
    let mut csv = "customer_id,code\n".to_owned();
    for i in 0..50_000 {
        csv.push_str(&format!("{i},{i}\n"));
    }
    csv.push_str("last,007\n");
    let workspace = Workspace::new().table("Customers", "customers.csv", csv);
    assert_eq!(types(&workspace).await[1].1, ColumnType::Text);
    assert_eq!(
        holds(&workspace, json!({ "column": "Customers.code", "operator": "is", "value": "007" })).await,
        ["last"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_may_lack_fields_and_nest_others() {
    let lines = "\u{feff}{\"customer_id\":7,\"age\":1.5,\"zip\":\"01067\",\"tags\":[\"a\"]}\n\n\
        {\"customer_id\":\"x\",\"zip\":10115,\"born\":\"2000-02-29\",\"vip\":true}\n";
    let workspace = Workspace::new().table("Customers", "customers.jsonl", lines);
    let expected = [
        ("customer_id", ColumnType::Text),
        ("age", ColumnType::Number),
        ("zip", ColumnType::Text),
        ("tags", ColumnType::Text),
        ("born", ColumnType::Date),
        ("vip", ColumnType::Boolean),
    ];
    assert_eq!(types(&workspace).await, expected.map(|(name, of)| (name.to_owned(), of)));
    assert_eq!(
        holds(&workspace, json!({ "column": "Customers.zip", "operator": "is", "value": "10115" })).await,
        ["x"]
    );
    assert_eq!(
        holds(&workspace, json!({ "column": "Customers.tags", "operator": "is", "value": "[\"a\"]" })).await,
        ["7"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_may_be_a_folder_or_a_glob_and_a_name_may_do_without_an_extension() {
    let mut workspace = Workspace::new().table("Customers", "all people.csv", "customer_id\na\nb\nc\n");
    fs::create_dir_all(workspace.path("orders/2026")).unwrap();
    fs::write(workspace.path("orders/1.csv"), "customer_id,n\na,1\n").unwrap();
    fs::write(workspace.path("orders/2026/2.csv"), "n,customer_id\n2,b\n").unwrap();
    fs::write(workspace.path("orders/_SUCCESS"), "").unwrap();
    workspace.declare("Folder", "orders", RowsPerCustomer::Many);
    workspace.declare("Glob", "orders/*.csv", RowsPerCustomer::Many);
    workspace.declare("Named", "all people", RowsPerCustomer::One);
    let exists = |table: &str| json!({ "aggregate": "exists", "table": table });
    assert_eq!(holds(&workspace, exists("Folder")).await, ["a", "b"]);
    assert_eq!(holds(&workspace, exists("Glob")).await, ["a"]);
    let two = json!({ "aggregate": "exists", "table": "Folder",
        "where": { "column": "Folder.n", "operator": "is", "value": 2 } });
    assert_eq!(holds(&workspace, two).await, ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_files_may_hold_any_character() {
    let name = "Zoë's 100%20 #1 [x] {y}.csv";
    let workspace = Workspace::new().table("Customers", name, "customer_id\na\n");
    let batch = RecordBatch::try_from_iter([("customer_id", array(StringArray::from(vec!["a"])))]).unwrap();
    let people = "Kü 50% #2.parquet";
    crate::workspace::write_parquet(&workspace.path(people), &batch);
    let mut workspace = workspace;
    workspace.declare("Scores", people, RowsPerCustomer::One);
    workspace.declare("Globbed", "K* ??% #*.parquet", RowsPerCustomer::Many);
    let both = json!({ "all": [
        { "column": "Scores.customer_id", "operator": "is", "value": "a" },
        { "aggregate": "exists", "table": "Globbed" },
    ] });
    assert_eq!(holds(&workspace, both).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_no_text_are_used_as_their_text() {
    let batch = RecordBatch::try_from_iter([
        ("customer_id", array(Int64Array::from(vec![Some(1), Some(22), None]))),
        ("score", array(Float64Array::from(vec![Some(f64::NAN), Some(1.0), Some(1.0)]))),
    ])
    .unwrap();
    let workspace = Workspace::new().parquet("Customers", RowsPerCustomer::One, &batch).rows(
        "Orders",
        "orders.csv",
        "customer_id,n\n22,5\n,6\n",
    );
    let (assigned, rows) = workspace.assign(&plan()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["22", "1"]);
    assert_eq!(assigned.customers_of_table, 2);
    assert_eq!(assigned.null_keys.into_iter().collect::<Vec<_>>(), [("Customers".to_owned(), 1)]);
    assert_eq!(holds(&workspace, json!({ "aggregate": "exists", "table": "Orders" })).await, ["22"]);
    // NaN is null.
    assert_eq!(holds(&workspace, json!({ "column": "Customers.score", "operator": "is_null" })).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_key_in_two_rows_of_a_one_row_table_fails_the_run() {
    let workspace = Workspace::new().table("Customers", "customers.csv", "customer_id\na\nb\nc\n").table(
        "Scores",
        "scores.csv",
        "customer_id,score\nb,1\na,2\nb,3\na,4\na,5\nc,6\n,7\n,8\n",
    );
    let plan = AssignPlan {
        include: vec![condition(json!({ "column": "Scores.score", "operator": "is", "value": 6 }))],
        ..plan()
    };
    let error = workspace.assign(&plan).await.unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"the table `Scores` has 2 customer keys in more than one row, such as `a` and `b`: remove the repeated rows, or declare the table with `rows: many`");
    assert!(!workspace.path("snapshot.parquet").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_file_has_its_message() {
    let mut big = "customer_id,note\na,\"".to_owned();
    big.push_str(&"x".repeat(10 << 20));
    big.push_str("\"\nb,\n");
    let mut workspace = Workspace::new()
        .table("Ragged", "ragged.csv", "customer_id,name\na,b\nc,\"two\nlines\"\nd,e,f\n")
        .table("Short", "short.csv", "customer_id,name\na\n")
        .table("Latin", "latin.csv", b"customer_id,name\na,b\nc,Zo\xeb\n")
        .table("Bom", "bom.csv", "\u{feff}customer_id,name\na,b\n")
        .table("QuotedBom", "quoted_bom.csv", "\u{feff}\"customer_id\",name\na,b\n")
        .table("Big", "big.csv", big)
        .table("Unclosed", "unclosed.csv", format!("customer_id,name\na,\"b\n{}", "c,d\n".repeat(3 << 20)))
        .table("Empty", "empty.csv", "")
        .table("HeaderOnly", "header_only.csv", "customer_id\n")
        .table("Unnamed", "unnamed.csv", "customer_id,\na,b\n")
        .table("Twice", "twice.csv", "customer_id,name,name\na,b,c\n")
        .table("OtherKey", "other_key.csv", "Customer_ID,name\na,b\n")
        .table("NotJson", "not_json.jsonl", "{\"customer_id\":1}\n{\"customer_id\":\n")
        .table("JsonList", "list.jsonl", "[1,2]\n")
        .table("Corrupt", "corrupt.parquet", "PAR1 this is not Parquet PAR1")
        .table("EmptyParquet", "empty.parquet", "")
        .table("Unknown", "unknown.txt", "customer_id\na\n");
    fs::create_dir_all(workspace.path("mixed")).unwrap();
    fs::write(workspace.path("mixed/a.csv"), "customer_id\n1\n").unwrap();
    fs::write(workspace.path("mixed/b.jsonl"), "{}\n").unwrap();
    fs::create_dir_all(workspace.path("differing")).unwrap();
    fs::write(workspace.path("differing/a.csv"), "customer_id,a\n1,2\n").unwrap();
    fs::write(workspace.path("differing/b.csv"), "customer_id,b\n1,2\n").unwrap();
    workspace.declare("Missing", "missing.csv", RowsPerCustomer::One);
    workspace.declare("NoMatch", "none-*.csv", RowsPerCustomer::One);
    workspace.declare("Mixed", "mixed", RowsPerCustomer::One);
    workspace.declare("Differing", "differing", RowsPerCustomer::Many);
    workspace.declare("Outside", "../../etc/passwd", RowsPerCustomer::One);
    workspace.definitions.sources[0].tables.last_mut().unwrap().format = Some(TableFormat::Csv);
    insta::assert_snapshot!(workspace.problems().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_is_a_problem_of_each_of_its_tables() {
    let mut workspace = Workspace::new().table("Customers", "customers.csv", "customer_id\na\n");
    let consign_model::definition::Connection::Files(files) = &mut workspace.definitions.sources[0].connection else {
        panic!("files");
    };
    files.url = "no/such/folder".into();
    insta::assert_snapshot!(workspace.problems().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_object_stores_are_checked_before_anything_is_asked() {
    let mut workspace = Workspace::new();
    workspace.declare("Customers", "customers", RowsPerCustomer::One);
    let consign_model::definition::Connection::Files(files) = &mut workspace.definitions.sources[0].connection else {
        panic!("files");
    };
    files.url = "s3://bucket/prefix".into();
    files.options.insert("regoin".into(), "eu-central-1".into());
    insta::assert_snapshot!(workspace.problems().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object_store_has_one_set_of_settings() {
    let mut workspace = Workspace::new().table("Customers", "customers.csv", "customer_id\na\n");
    let mut second = workspace.definitions.sources[0].clone();
    second.id = crate::workspace::slug("second");
    let consign_model::definition::Connection::Files(files) = &mut second.connection else { panic!("files") };
    files.options.insert("region".into(), "eu-central-1".into());
    workspace.definitions.sources.push(second);
    let problems = workspace.problems().await;
    assert!(problems.starts_with("sources[1].tables[0]"), "{problems}");
    assert!(problems.contains("give both sources the same, or make them one"), "{problems}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_file_damaged_in_its_middle_fails_the_run_and_leaves_nothing() {
    let keys: Vec<String> = (0..100_000).map(|key| format!("key {key}")).collect();
    let batch = RecordBatch::try_from_iter([("customer_id", array(StringArray::from(keys)))]).unwrap();
    let workspace = Workspace::new().parquet("Customers", RowsPerCustomer::One, &batch);
    let path = workspace.path("Customers.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 4000].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = workspace.assign(&plan()).await.unwrap_err().to_string();
    assert!(error.contains("write the file again"), "{error}");
    let left: Vec<_> = fs::read_dir(workspace.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("snapshot"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}
