//! Every rule of validation fires where it is broken, with its place, reason and remedy; and none fires in a clean
//! workspace. Each case changes the clean fixture in one place.

use std::fmt::Write;

use insta::assert_snapshot;

use crate::kinds::TestKinds;
use crate::workspace::{changed, problems, shown};

/// The problems of each change, in turn; every change has at least one.
fn cases(cases: &[&[(&str, &str)]]) -> String {
    let mut text = String::new();
    for changes in cases {
        let found = problems(&changed(changes));
        assert!(!found.is_empty(), "nothing is wrong with {changes:?}");
        for (_, new) in *changes {
            let _ = writeln!(text, "## {}", new.trim());
        }
        text.push_str(&shown(&found));
        text.push('\n');
    }
    text
}

/// A list of so many segments.
fn many(count: usize) -> String {
    let ids: Vec<String> =
        (0..count).map(|i| format!("high_value{}", if i == 0 { String::new() } else { i.to_string() })).collect();
    format!("include: [{}]", ids.join(", "))
}

#[test]
fn a_clean_workspace_has_no_problems() {
    let reading = changed(&[]);
    assert_eq!(shown(&problems(&reading)), "");
    assert_eq!(shown(&reading.validate(None, &TestKinds::new())), "");
}

#[test]
fn without_a_catalogue_everything_but_columns_is_checked() {
    let reading =
        changed(&[("Customer_360.status, operator: is, value: active", "Custmer_360.nope, operator: is, value: 1")]);
    let found = shown(&reading.validate(None, &TestKinds::new()));
    assert_snapshot!(found);
}

#[test]
fn ids_and_names_are_unique() {
    let found = cases(&[
        &[("id: active", "id: high_value"), ("segment: active", "segment: high_value")],
        &[("name: Texts", "name: Mail")],
        &[("name: Mail\n", "name: \"  \"\n")],
        &[("name: Customer_360", "name: Merged_Customers")],
        &[
            ("name: Merged_Customers\n", "name: Merged.Customers\n"),
            ("customer_table: Merged_Customers", "customer_table: Customer_360"),
        ],
    ]);
    assert_snapshot!(found);
}

#[test]
fn the_workspace_and_its_sources_are_checked() {
    let found = cases(&[
        &[("time_zone: Europe/Berlin", "time_zone: Europe/Berln")],
        &[("customer_table: Merged_Customers", "customer_table: merged_customers")],
        &[("customer_table: Merged_Customers", "customer_table: Orders")],
        &[("always_exclude: [staff]", "always_exclude: [stuff]")],
        &[("always_exclude: [staff]", "retention_days: 0")],
        &[("url: data", "url: ftp://host/data")],
        &[("- name: Customer_360", "- name: Customer_360\n        customer_key: customerid")],
        &[("contact: email", "contact: emial")],
        &[("contact: email", "contakt: email")],
        &[("contact: email", "contact: email, status: email")],
    ]);
    assert_snapshot!(found);
}

#[test]
fn who_is_told_can_be_told() {
    let told = |lines: &str| format!("always_exclude: [staff]\n  notifications:\n{lines}");
    let one = "    - { id: ops, webhook: { url: \"https://hooks.example.com/x?k=1\", secret: env:HOOK } }\n";
    let mail = "    - { id: mail, email: { host: mail.example.com, from: c@example.com, to: [ops@example.com, \"Ada <ada@example.com>\"] } }\n";
    for fine in [one, mail] {
        assert_eq!(problems(&changed(&[("always_exclude: [staff]", &told(fine))])), []);
    }
    let found = cases(&[
        &[("always_exclude: [staff]", &told(&one.repeat(2)))],
        &[("always_exclude: [staff]", &told(&one.replace("webhook:", "on: [], webhook:")))],
        &[("always_exclude: [staff]", &told(&one.replace("webhook:", "on: [late, never], webhook:")))],
        &[("always_exclude: [staff]", &told(&one.replace("https://hooks", "ftp://hooks")))],
        &[("always_exclude: [staff]", &told(&one.replace("https://hooks", "https://ada:pass@hooks")))],
        &[("always_exclude: [staff]", &told(&one.replace("env:HOOK", "plain")))],
        &[("always_exclude: [staff]", &told(&mail.replace("mail.example.com", "smtp://mail.example.com:25")))],
        &[("always_exclude: [staff]", &told(&mail.replace("from:", "tls: none, from:")))],
        &[("always_exclude: [staff]", &told(&mail.replace("from:", "tls: ssl, from:")))],
        &[("always_exclude: [staff]", &told(&mail.replace("from:", "port: 0, from:")))],
        &[("always_exclude: [staff]", &told(&mail.replace("[ops@example.com, \"Ada <ada@example.com>\"]", "[]")))],
        &[(
            "always_exclude: [staff]",
            &told(&mail.replace("ops@example.com", "ops").replace("from: c@example.com", "from: <c>")),
        )],
        &[("always_exclude: [staff]", &told("    - { id: ops }\n"))],
    ]);
    assert_snapshot!(found);
}

#[test]
fn conditions_stand_where_their_rows_are_and_fit_their_columns() {
    let active = "{ column: Customer_360.status, operator: is, value: active }";
    let count = "operator: at_least\n            value: 2";
    let found = cases(&[
        &[(active, "{ column: Customer_360.staus, operator: is, value: active }")],
        &[(active, "{ column: Customers_360.status, operator: is, value: active }")],
        &[(active, "{ column: Customer_360.status, operator: at_least, value: 3 }")],
        &[(active, "{ column: Customer_360.status, operator: is, value: 1 }")],
        &[(active, "{ column: Customer_360.status, operator: in_list, value: [] }")],
        &[(active, "{ column: Customer_360.last_order, operator: in_last, value: 90 }")],
        &[(
            active,
            "{ column: Customer_360.last_order, operator: between, value: { from: 2026-02-30, to: 2026-03-01 } }",
        )],
        &[(active, "{ column: Orders.status, operator: is, value: paid }")],
        &[(active, "{ segment: hgh_value }")],
        &[(active, "{ aggregate: exists, table: Customer_360 }")],
        &[(active, "{ aggregate: exists, table: Oders }")],
        &[(active, "{ aggregate: exists, table: Orders, where: { segment: vip } }")],
        &[(active, "{ aggregate: exists, table: Orders, where: { aggregate: exists, table: Visits } }")],
        &[(active, "{ aggregate: exists, table: Orders, where: { column: Visits.page, operator: is, value: a } }")],
        &[(active, "{ aggregate: sum, table: Orders, of: status, operator: at_least, value: 2 }")],
        &[(active, "{ aggregate: sum, table: Orders, of: revenu, operator: at_least, value: 2 }")],
        &[(count, "")],
        &[("SELECT customer_id FROM Customer_360 WHERE NOT email_opt_in", "\"\"")],
    ]);
    assert_snapshot!(found);
}

#[test]
fn no_segment_is_made_of_itself_or_of_too_much() {
    let active = "{ column: Customer_360.status, operator: is, value: active }";
    let found = cases(&[
        &[(active, "{ segment: vip }"), ("{ segment: high_value }", "{ segment: active }")],
        &[(active, "{ segment: active }")],
    ]);
    assert_snapshot!(found);
    let doubling: Vec<String> = (0..15)
        .map(|i| {
            let inner = if i == 0 { "high_value".to_owned() } else { format!("s{}", i - 1) };
            format!(
                "  - {{ id: s{i}, name: S{i}, customers: {{ where: {{ any: [{{ segment: {inner} }}, {{ segment: {inner} }}] }} }} }}\n"
            )
        })
        .collect();
    let doubling = format!("segments:\n{}", doubling.concat());
    let found = problems(&changed(&[("segments:\n", &doubling)]));
    assert!(shown(&found).contains("has more than 10000 conditions"), "{}", shown(&found));
}

#[test]
fn destinations_are_set_up_as_their_kind_asks() {
    let settings = "settings: { account: \"12345\", default_region: DE }";
    let credentials = "credentials: { api_key: env:MAILER_KEY }";
    let found = cases(&[
        &[("kind: mailer", "kind: mialer")],
        &[(settings, "settings: { acount: \"12345\" }")],
        &[(settings, "settings: { account: 12345 }")],
        &[(settings, "settings: { account: \"12345\", default_region: UK }")],
        &[(settings, "settings: { account: \"12345\", phone_validation: strikt }")],
        &[(settings, "settings: { account: \"12345\", batch_size: 20000 }")],
        &[(settings, "settings: { account: \"12345\", update: \"true\" }")],
        &[(settings, "settings: { account: \"12345\", base_url: https://example.com/ }")],
        &[(settings, "settings: { account: \"12345\", base_url: https://me:secret@example.com }")],
        &[(settings, "settings: { account: \"12345\", id_types: [EMIAL] }")],
        &[(settings, "settings: { account: \"12345\", region_column: Merged_Customers.land }")],
        &[(settings, "settings: { account: \"12345\", update: true, batch_size: 5 }")],
        &[(settings, "settings: { account: \"12345\", api_key: pk_secret }"), (credentials, "")],
        &[(credentials, "credentials: { api_key: env:KEY, account: env:ACCOUNT }")],
        &[(credentials, "credentials: { apikey: env:KEY }")],
        &[("kind: texter", "kind: texter\n    contract: mail_import")],
        &[("contract: mail_import", "contract: mail_imports")],
        &[("operator: is_true }", "operator: is_tru }")],
        &[("column: Customer_360.email_opt_in", "column: Customer_360.sms_opt_in")],
    ]);
    assert_snapshot!(found);
}

#[test]
fn no_message_repeats_a_secret() {
    for (old, new) in [
        ("credentials: { api_key: env:MAILER_KEY }", "credentials: { api_key: pk_secret }"),
        ("credentials: { api_key: env:MAILER_KEY }", "credentials: pk_secret"),
        ("credentials: { api_key: env:MAILER_KEY }", "credentials: [pk_secret]"),
        ("account: \"12345\"", "account: pk_secret"),
        ("account: \"12345\"", "account: \"12345\", api_key: pk_secret"),
        ("account: \"12345\"", "account: \"12345\", base_url: \"https://pk_secret@example.com\""),
        ("account: \"12345\"", "account: \"12345\", default_region: pk_secret"),
    ] {
        let found = shown(&problems(&changed(&[(old, new)])));
        assert!(!found.is_empty() && !found.contains("pk_secret"), "{new}: {found}");
    }
}

#[test]
fn contracts_hold_together() {
    let found = cases(&[
        &[("name: FIRST", "name: EMAIL")],
        &[("unique_by: [EMAIL]", "unique_by: [EMIAL]")],
        &[("unique_by: [EMAIL]", "exactly_one_of: [PHONE]")],
        &[("unique_by: [EMAIL]", "row: [[], [LAST]]")],
        &[("format: email, semantic", "format: any, sha256: true, semantic")],
        &[("format: psv, line_ending: crlf", "format: delimited")],
    ]);
    assert_snapshot!(found);
}

#[test]
fn audiences_are_made_of_one_to_ten_segments() {
    let include = "include: [high_value, vip]";
    let eleven: Vec<String> = (1..11)
        .map(|i| format!("  - {{ id: high_value{i}, name: H{i}, customers: {{ where: {{ segment: vip }} }} }}\n"))
        .collect();
    let segments = format!("segments:\n{}", eleven.concat());
    let found = cases(&[
        &[(include, "include: []")],
        &[(include, &many(11)), ("segments:\n", &segments)],
        &[(include, "include: [high_value, hi_value]")],
        &[(include, "include: [vip, vip]")],
        &[("exclude: [opted_out]", "exclude: [vip]")],
        &[("exclude: [opted_out]", &many(11).replace("include", "exclude")), ("segments:\n", &segments)],
    ]);
    assert_snapshot!(found);
}

#[test]
fn groups_are_named_split_and_sent_somewhere() {
    let control = "{ name: Control A, control: true, percent: 10 }";
    let everybody = "{ name: Everybody, percent: 100, destinations: [ads, bucket, import] }";
    let found = cases(&[
        &[("percent: 45.5", "percent: 45")],
        &[("percent: 45.5", "percent: 55.51")],
        &[("name: Letter B", "name: Letter A")],
        &[("name: Letter B", "name: Letter-A")],
        &[("name: Letter B", "name: _Letter B")],
        &[("name: Letter B", "name: 手紙")],
        &[("name: Letter B", "name: \"Letter\\nB\"")],
        &[(control, "{ name: Control A, control: true, percent: 10, destinations: [mail] }")],
        &[("name: Letter B", "name: Letter B, control: true")],
        &[("destinations: [mail, texts]", "destinations: [mail, text]")],
        &[("destinations: [mail, texts]", "destinations: [mail, mail]")],
        &[(everybody, "{ name: Everybody, percent: 100 }")],
        &[(&format!("\n          - {everybody}"), " []")],
        &[("id: risk", "id: active")],
        &[("id: risk", "id: remaining")],
        &[("name: At risk", "name: Active")],
    ]);
    assert_snapshot!(found);
    let many: Vec<String> = (0..61)
        .map(|i| {
            format!(
                "      - {{ name: S{i}, where: {{ segment: vip }}, groups: [{{ name: G{i}, percent: 100, destinations: [texts] }}] }}\n"
            )
        })
        .collect();
    let many = format!("sub_audiences:\n{}", many.concat());
    let found = problems(&changed(&[("sub_audiences:\n", &many)]));
    assert!(shown(&found).contains("63 sub-audiences are more than 60"), "{}", shown(&found));
}

#[test]
fn attributes_are_mapped_as_the_destination_demands() {
    let email = "- { attribute: email, column: Merged_Customers.email }";
    let phone = "- { attribute: phone, column: Merged_Customers.phone }";
    let order = "- { attribute: order, column: Orders.order_id }";
    let texts = |attributes: &str| format!("destinations:\n      texts: {{ attributes: [{attributes}] }}\n      mail:");
    let ads = |attributes: &str| format!("destinations:\n      ads: {{ attributes: [{attributes}] }}\n      mail:");
    let mail = "destinations:\n      mail:";
    let key = "{ attribute: EXTERN_ID, column: Merged_Customers.customer_id }";
    let found = cases(&[
        &[(email, "")],
        &[(email, "- { attribute: emial, column: Merged_Customers.email }")],
        &[("attribute: properties.value", "attribute: lifetime")],
        &[(email, &format!("{email}\n          {email}"))],
        &[(email, "- { attribute: email, column: Merged_Customers.emial }")],
        &[(email, "- { attribute: email, column: Customer_360.lifetime_value }")],
        &[(email, "- { attribute: email, column: Customer_360.email }")],
        &[(email, "- { attribute: email, column: Orders.status }")],
        &[(phone, "- { attribute: phone, fact: group_name }")],
        &[("column: Customer_360.lifetime_value }", "column: Merged_Customers.tags }")],
        &[("\n    launch: { days_after_delivery: 1 }", "")],
        &[(order, &format!("{order}\n          - {{ attribute: page, column: Visits.page }}"))],
        &[(mail, &texts(""))],
        &[(
            mail,
            &texts(
                "{ attribute: phone, column: Merged_Customers.phone }, { attribute: email, column: Merged_Customers.email }",
            ),
        )],
        &[(mail, &ads(key))],
        &[(mail, &ads("{ attribute: EMAIL, column: Merged_Customers.email }"))],
        &[(
            mail,
            &ads(&format!(
                "{key}, {{ attribute: EMAIL, column: Merged_Customers.email }}, {{ attribute: DOBY, column: Merged_Customers.birthdate }}"
            )),
        )],
        &[("kind: ads", "kind: ads\n    default_attributes: [{ attribute: email, column: Merged_Customers.email }]")],
        &[("semantic: email }", "semantic: loyalty-id }")],
    ]);
    assert_snapshot!(found);
}

#[test]
fn what_a_campaign_says_of_a_destination_fits_its_kind() {
    let found = cases(&[
        &[("membership: append", "membership: replace")],
        &[("membership: append", "membership: append\n        file: { format: csv }")],
        &[("compression: gzip }", "compression: gzip }\n        membership: mirror")],
        &[("format: csv, compression: gzip", "format: csv, delimiter: \";\"")],
        &[("format: csv, compression: gzip", "format: delimited, delimiter: x")],
        &[("format: csv, compression: gzip", "format: parquet, compression: gzip, escape_formulas: true")],
        &[("format: csv, compression: gzip", "format: csv, rows_per_file: 0")],
        &[("      bucket:\n        name", "      import: { file: { format: csv } }\n      bucket:\n        name")],
        &[("      bucket:\n        name", "      buckett:\n        name")],
        &[
            ("percent: 44.5, destinations: [mail, {", "percent: 44.5, destinations: [{"),
            ("destinations: [mail, texts]", "destinations: [texts]"),
        ],
    ]);
    assert_snapshot!(found);
}

#[test]
fn lists_have_legal_names_and_one_keeper_each() {
    let template = "name: \"{{ campaign_id }}-{{ group_name }}\"";
    let file = "name: \"{{ group_name }} {{ date }}\"";
    let second = "\n  - { id: second, name: Second, include: [vip], remaining: [{ name: Letter A, percent: 100, destinations: [mail] }], \
                  destinations: { mail: { name: \"churn_prevention-{{ group_name }}\", membership: append } } }\n";
    let end = "\n    launch: { days_after_delivery: 1 }\n";
    let found = cases(&[
        &[(template, "name: \"{{ campaign_nam }}-{{ group_name }}\"")],
        &[(template, "name: \"{{ campaign_id\"")],
        &[(template, "name: \" {{ '' }} \"")],
        &[(template, "name: \"{{ campaign_id }}\""), ("membership: append", "membership: mirror")],
        &[("name: Letter B", "name: Letter B which is very long indeed and goes on for more than sixty")],
        &[("name: Letter B", "name: Treatment B")],
        &[(file, "name: \"../{{ group_name }}\"")],
        &[(file, "name: \"..{{ group_name }}\"")],
        &[(file, "name: \"{{ date }}\"")],
        &[("name: Rest", "name: A/B")],
        &[("name: Rest", &format!("name: {}", "x".repeat(201)))],
        &[("list_name: Vips", "list_name: Churn prevention_Everybody")],
        &[(end, &format!("{end}{second}")), ("membership: append", "membership: mirror")],
    ]);
    assert_snapshot!(found);
    let appending = changed(&[(end, &format!("{end}{second}"))]);
    assert_eq!(shown(&problems(&appending)), "", "all of them append");
}

#[test]
fn schedules_can_come_to_pass() {
    let cron = "every: { cron: \"0 9 * * 1\" }";
    let recurring = "recurring: { every: { cron: \"0 9 * * 1\" }, start: 2026-12-01T09:00, end: { on: 2027-12-01 } }";
    let found = cases(&[
        &[(cron, "every: { cron: \"0 9 * * 1 2 3\" }")],
        &[(cron, "every: { cron: \"61 9 * * 1\" }")],
        &[(cron, "every: { cron: \"0 9 30 2 *\" }")],
        &[("start: 2026-12-01T09:00", "start: 2026-12-01 09:00")],
        &[("on: 2027-12-01", "on: 2025-12-01")],
        &[("on: 2027-12-01", "on: 2027-02-29")],
        &[("on: 2027-12-01", "after: 0")],
        &[(recurring, "at: { time: \"2027-03-28T02:30\" }")],
        &[(recurring, "at: { time: \"2027-03-28T02:30Z\", time_zone: America/New_Yrok }")],
        &[("days_after_delivery: 1", "on: tomorrow")],
    ]);
    assert_snapshot!(found);
}

#[test]
fn campaigns_have_a_place_among_others() {
    let name = "name: Churn prevention\n";
    let here = |lines: &str| format!("{name}{lines}");
    let found = cases(&[
        &[(name, &here("    folder: \" \"\n"))],
        &[(name, &here(&format!("    folder: {}\n", "x".repeat(81))))],
        &[(name, &here("    labels: [spring, \"\", spring]\n"))],
        &[(
            name,
            &here(&format!("    labels: [{}]\n", (0..21).map(|i| format!("l{i}")).collect::<Vec<_>>().join(", "))),
        )],
        &[(name, &here("    archived: true\n"))],
    ]);
    assert_snapshot!(found);
    let placed = changed(&[(name, &here("    folder: Winback 🎉\n    labels: [spring, vip]\n"))]);
    assert_eq!(shown(&problems(&placed)), "");
}

#[test]
fn an_archived_campaign_keeps_no_list_from_another() {
    let end = "    launch: { days_after_delivery: 1 }\n";
    let second = |more: &str| {
        format!(
            "{end}\n  - {{ id: second, name: Second, {more}include: [vip], remaining: [{{ name: Letter A, percent: 100, \
             destinations: [mail] }}], destinations: {{ mail: {{ name: \"churn_prevention-{{{{ group_name }}}}\" }} }} }}\n"
        )
    };
    let both = |more: &str| problems(&changed(&[(end, &second(more)), ("membership: append", "membership: mirror")]));
    assert_eq!(both("").len(), 1);
    assert_eq!(both("archived: true, "), []);
}
