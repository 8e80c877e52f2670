//! Plans of campaigns.

use chrono::{DateTime, Utc};
use consign_model::condition::Condition;
use consign_model::definition::{Fact, Membership};
use consign_model::plan::{AttributeSource, CampaignPlan, CleanedColumn, PlannedDelivery, plan};
use insta::assert_debug_snapshot;

use crate::kinds::TestKinds;
use crate::workspace::{catalog, changed};

fn planned(changes: &[(&str, &str)]) -> CampaignPlan {
    let reading = changed(changes);
    let as_of: DateTime<Utc> = "2026-11-30T23:30:00Z".parse().expect("a time");
    let id = "churn_prevention".parse().expect("an id");
    plan(&reading.definitions, &catalog(), &TestKinds::new(), &id, as_of, "run-7").expect("the campaign is clean")
}

fn deliveries<'p>(plan: &'p CampaignPlan, destination: &str) -> Vec<&'p PlannedDelivery> {
    plan.deliveries.iter().filter(|delivery| delivery.destination.as_str() == destination).collect()
}

fn columns(delivery: &PlannedDelivery) -> Vec<String> {
    let of = |source: &AttributeSource| match source {
        AttributeSource::Cleaned(column) => column.snapshot_name(),
        AttributeSource::Raw(column) => column.to_string(),
        AttributeSource::Fact(fact, text) => format!("{fact:?} {text}"),
    };
    delivery.attributes.iter().map(|one| format!("{} <- {} {:?}", one.name, of(&one.source), one.hash)).collect()
}

#[test]
fn a_campaign_is_resolved_to_what_its_run_needs() {
    assert_debug_snapshot!(planned(&[]).assign);
}

#[test]
fn a_campaign_is_launched_on_a_date_or_days_after_its_delivery_there() {
    let launched = |launch: &str| planned(&[("    launch: { days_after_delivery: 1 }", launch)]).launch_date;
    let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 12, day);
    // It is past midnight already in the workspace's time zone.
    assert_eq!(launched("    launch: { days_after_delivery: 0 }"), day(1));
    assert_eq!(launched("    launch: { days_after_delivery: 1 }"), day(2));
    assert_eq!(launched("    launch: { on: 2026-12-24 }"), day(24));
    assert_eq!(launched(""), None);
}

#[test]
fn deliveries_follow_sub_audiences_groups_and_destinations_with_control_first() {
    let plan = planned(&[("name: Letter B, percent: 44.5", "name: Letter B, percent: 44.5")]);
    let order: Vec<_> = plan
        .deliveries
        .iter()
        .map(|one| (one.sub_audience, one.group, one.destination.to_string(), one.list_name.clone()))
        .collect();
    assert_debug_snapshot!(order);
}

#[test]
fn the_control_group_comes_first_wherever_it_is_shown() {
    let plan = planned(&[
        ("          - { name: Control A, control: true, percent: 10 }\n", ""),
        (
            "{ id: ads, list_name: Vips }] }\n",
            "{ id: ads, list_name: Vips }] }\n          - { name: Control A, control: true, percent: 10 }\n",
        ),
    ]);
    let groups: Vec<&str> = plan.assign.sub_audiences[0].groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(groups, ["Control A", "Letter A", "Letter B"]);
    assert_eq!(deliveries(&plan, "texts")[0].group, 1);
}

#[test]
fn attributes_come_from_the_campaign_else_from_the_meanings_of_columns() {
    let plan = planned(&[]);
    assert_debug_snapshot!(["mail", "texts", "ads", "bucket", "import"].map(|id| columns(deliveries(&plan, id)[0])));
}

#[test]
fn files_without_attributes_take_all_columns_of_the_customer_table_that_can_be_sent() {
    let plan = planned(&[(
        "        attributes:\n          - { attribute: key, column: Merged_Customers.customer_id }\n          - { attribute: order, column: Orders.order_id }\n",
        "",
    )]);
    assert_eq!(
        columns(deliveries(&plan, "bucket")[0]),
        ["customer_id", "email", "phone", "given_name", "surname", "postal", "country", "birthdate"]
            .map(|name| format!("{name} <- Merged_Customers.{name} None"))
    );
}

#[test]
fn a_mapped_many_rows_table_is_the_expansion() {
    let plan = planned(&[]);
    assert_eq!(deliveries(&plan, "bucket")[0].expansion.as_deref(), Some("Orders"));
    assert_eq!(deliveries(&plan, "mail")[0].expansion, None);
}

#[test]
fn identifiers_are_cleaned_in_one_way_whatever_the_destination() {
    let plan = planned(&[]);
    let names = |id: &str| -> Vec<String> {
        deliveries(&plan, id)[0].identifiers.iter().map(CleanedColumn::snapshot_name).collect()
    };
    assert_eq!(
        names("mail"),
        [
            "Email(Merged_Customers.email, sha256)",
            "Phone(Merged_Customers.phone, sha256, Merged_Customers.country or DE)"
        ]
    );
    assert_eq!(names("texts"), ["Phone(Merged_Customers.phone, sha256, Merged_Customers.country or US)"]);
    assert_eq!(names("import"), ["Email(Merged_Customers.email, sha256)"]);
}

#[test]
fn nobody_to_suppress_means_no_identifiers() {
    let plan = planned(&[("  always_exclude: [staff]\n", "")]);
    assert!(deliveries(&plan, "texts")[0].identifiers.is_empty());
    assert_eq!(deliveries(&plan, "mail")[0].identifiers.len(), 2, "the destination has a consent rule");
}

#[test]
fn segments_of_conditions_are_written_out_and_sql_segments_collected() {
    let plan = planned(&[]);
    assert!(matches!(plan.assign.include[0], Condition::All(_)));
    assert!(matches!(plan.assign.exclude[0], Condition::Segment(_)));
    assert_eq!(plan.assign.sql_segments.len(), 1);
}

#[test]
fn names_and_days_are_those_of_the_moment_in_the_workspaces_zone() {
    let plan = planned(&[]);
    // It is the first of December in Berlin already.
    assert_eq!(deliveries(&plan, "bucket")[0].list_name, "Everybody 2026-12-01");
    assert_eq!(plan.launch_date.map(|day| day.to_string()).as_deref(), Some("2026-12-02"));
    let launch = &deliveries(&plan, "mail")[0].attributes[3].source;
    assert_eq!(*launch, AttributeSource::Fact(Fact::LaunchDate, "2026-12-02".into()));
}

#[test]
fn memberships_and_file_options_come_from_the_campaign_else_the_contract_else_the_kind() {
    let plan = planned(&[]);
    assert_eq!(deliveries(&plan, "mail")[0].membership, Some(Membership::Append));
    assert_eq!(deliveries(&plan, "ads")[0].membership, Some(Membership::Mirror));
    assert_eq!(deliveries(&plan, "bucket")[0].membership, None);
    let extension = |id: &str| deliveries(&plan, id)[0].file.as_ref().map(consign_model::plan::extension);
    assert_eq!(extension("bucket").as_deref(), Some(".csv.gz"));
    assert_eq!(extension("import").as_deref(), Some(".psv"));
    assert_eq!(extension("mail"), None);
}

#[test]
fn an_unknown_campaign_is_a_problem_that_names_the_nearest() {
    let reading = changed(&[]);
    let id = "churn_prevntion".parse().expect("an id");
    let found = plan(&reading.definitions, &catalog(), &TestKinds::new(), &id, DateTime::UNIX_EPOCH, "run")
        .expect_err("there is no such campaign");
    assert_eq!(found[0].remedy, "write `churn_prevention`");
}
