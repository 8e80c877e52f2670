//! Whatever is written reads back, and nothing that is read can bring the reader down.

use std::collections::BTreeMap;

use consign_model::condition::{
    AggregateFunction, AggregateTest, All, Any, ColumnTest, Condition, InSegment, Not, Operand, Operator, Range,
    Scalar, Span,
};
use consign_model::contract::{Contract, ContractColumn, ContractFormat};
use consign_model::definition::{
    At, AttributeMapping, Cadence, Campaign, ColumnAttribute, ColumnRef, Compression, Connection, Definitions,
    Destination, DestinationUse, End, Fact, FactAttribute, FileConnection, FileFormat, FileOptions, GroupDestination,
    GroupList, Launch, LineEnding, Membership, Percent, PostgresConnection, Quote, Recurring, RowsPerCustomer,
    Schedule, SecretRef, Segment, SegmentBody, Source, Split, SubAudience, Table, TableFormat, TreatmentGroup,
    Workspace,
};
use consign_model::document::{json_schema, read, write};
use consign_model::id::Slug;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::kinds::TestKinds;
use crate::workspace::{catalog, files, shown};

/// Texts that readers of YAML like to take for something else, and any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "",
            " ",
            "~",
            "null",
            "yes",
            "No",
            "true",
            "00001",
            "1e3",
            ".inf",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#",
            "&a",
            "*a",
            "!t",
            "%",
            "@",
            "`",
            "'",
            "\"",
            "\\",
            "\n",
            "a\nb\n",
            "\t",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "0x1f",
            "2026-12-01",
            "[a]",
            "{a}",
            "?",
            "|",
            ">",
            "Zoë",
            "手紙",
            "😀",
            "{{ date }}",
            "<<",
            "=",
            "12:30:45",
        ])
        .prop_map(ToOwned::to_owned),
        "[a-zA-Z_ .-]{0,12}",
        "\\PC{0,12}",
        any::<String>().prop_map(|text| text.chars().take(12).collect()),
    ]
}

fn slug() -> impl Strategy<Value = Slug> {
    "[a-z0-9][a-z0-9_-]{0,11}".prop_map(|slug| slug.parse().expect("it is one"))
}

fn secret() -> impl Strategy<Value = SecretRef> {
    prop_oneof!["env:[A-Z_][A-Z0-9_]{0,8}", "file:[a-z/ .:#]{1,12}", "stored:[a-z0-9][a-z0-9_-]{0,9}"]
        .prop_map(|text| SecretRef::try_from(text).expect("it is one"))
}

fn column() -> impl Strategy<Value = ColumnRef> {
    ("[A-Za-z_ ]{1,8}", text().prop_filter("a column has a name", |text| !text.is_empty()))
        .prop_map(|(table, column)| ColumnRef::new(table, column))
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<i64>().prop_map(Scalar::Integer),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Scalar::Number),
        text().prop_map(Scalar::Text),
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        scalar().prop_map(Operand::One),
        vec(scalar(), 0..4).prop_map(Operand::List),
        (scalar(), scalar()).prop_map(|(from, to)| Operand::Range(Range { from, to })),
        any::<u32>().prop_map(|days| Operand::Span(Span::Days(days))),
        any::<u32>().prop_map(|weeks| Operand::Span(Span::Weeks(weeks))),
        any::<u32>().prop_map(|months| Operand::Span(Span::Months(months))),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    select(vec![
        Operator::Is,
        Operator::InList,
        Operator::Between,
        Operator::InLast,
        Operator::IsNull,
        Operator::TopPercent,
    ])
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        slug().prop_map(|segment| Condition::Segment(InSegment { segment })),
        (column(), operator(), option::of(operand()))
            .prop_map(|(column, operator, value)| Condition::Column(ColumnTest { column, operator, value })),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let function = select(vec![AggregateFunction::Exists, AggregateFunction::Count, AggregateFunction::Sum]);
        let aggregate = (
            function,
            text(),
            option::of(text()),
            option::of(inner.clone()),
            option::of(operator()),
            option::of(operand()),
        )
            .prop_map(|(aggregate, table, of, condition, operator, value)| {
                Condition::Aggregate(Box::new(AggregateTest { aggregate, table, of, condition, operator, value }))
            });
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|all| Condition::All(All { all })),
            vec(inner.clone(), 0..3).prop_map(|any| Condition::Any(Any { any })),
            inner.prop_map(|not| Condition::Not(Not { not: Box::new(not) })),
            aggregate,
        ]
    })
}

fn mapping() -> impl Strategy<Value = AttributeMapping> {
    prop_oneof![
        (text(), column())
            .prop_map(|(attribute, column)| AttributeMapping::Column(ColumnAttribute { attribute, column })),
        (text(), select(vec![Fact::CampaignId, Fact::LaunchDate]))
            .prop_map(|(attribute, fact)| AttributeMapping::Fact(FactAttribute { attribute, fact })),
    ]
}

fn file() -> impl Strategy<Value = FileOptions> {
    let words = (
        select(vec![FileFormat::Csv, FileFormat::Delimited, FileFormat::JsonLines]),
        select(vec![Quote::WhereNeeded, Quote::Always]),
        select(vec![LineEnding::Lf, LineEnding::Crlf]),
        select(vec![Compression::None, Compression::Zstd]),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (words, flags, option::of(any::<char>()), option::of(any::<u32>()), option::of(secret())).prop_map(
        |((format, quote, line_ending, compression), flags, delimiter, rows, pgp_public_key)| {
            let (header, escape_formulas, success_file, manifest) = flags;
            let rows_per_file = rows.map(u64::from);
            FileOptions {
                format,
                delimiter,
                header,
                quote,
                line_ending,
                compression,
                escape_formulas,
                rows_per_file,
                success_file,
                manifest,
                pgp_public_key,
            }
        },
    )
}

fn source() -> impl Strategy<Value = Source> {
    let connection = prop_oneof![
        (text(), btree_map(text(), text(), 0..3), btree_map(text(), secret(), 0..2))
            .prop_map(|(url, options, credentials)| Connection::Files(FileConnection { url, options, credentials })),
        (secret(), text()).prop_map(|(url, schema)| Connection::Postgres(PostgresConnection { url, schema })),
    ];
    let format = option::of(select(vec![TableFormat::Parquet, TableFormat::JsonLines]));
    let rows = select(vec![RowsPerCustomer::One, RowsPerCustomer::Many]);
    let table = (text(), option::of(text()), format, rows, text(), btree_map(text(), text(), 0..3)).prop_map(
        |(name, path, format, rows, customer_key, semantics)| Table {
            name,
            path,
            format,
            rows,
            customer_key,
            semantics,
        },
    );
    (slug(), connection, vec(table, 0..3)).prop_map(|(id, connection, tables)| Source { id, connection, tables })
}

fn setting() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        vec(text(), 0..3).prop_map(Value::from),
        btree_map(text(), any::<i64>(), 0..2).prop_map(|map| json!(map)),
    ]
}

fn destination() -> impl Strategy<Value = Destination> {
    let maps = (btree_map(text(), setting(), 0..3), btree_map(text(), secret(), 0..3));
    let names = (slug(), text(), text(), any::<bool>());
    (names, maps, option::of(condition()), option::of(slug()), option::of(vec(mapping(), 0..3))).prop_map(
        |((id, name, kind, sandbox), (settings, credentials), consent, contract, default_attributes)| Destination {
            id,
            name,
            kind,
            sandbox,
            settings,
            credentials,
            consent,
            contract,
            default_attributes,
        },
    )
}

fn group() -> impl Strategy<Value = TreatmentGroup> {
    let destination = prop_oneof![
        slug().prop_map(GroupDestination::Id),
        (slug(), option::of(text()), option::of(text()))
            .prop_map(|(id, list_name, list_id)| GroupDestination::WithList(GroupList { id, list_name, list_id })),
    ];
    let percent = (0_u32..=10_000).prop_map(|share| Percent::from_hundredths(share).expect("a share"));
    (option::of(slug()), text(), any::<bool>(), percent, vec(destination, 0..3)).prop_map(
        |(id, name, control, percent, destinations)| TreatmentGroup { id, name, control, percent, destinations },
    )
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let every = prop_oneof![Just(Cadence::Hour), Just(Cadence::Quarter), text().prop_map(Cadence::Cron)];
    let end = prop_oneof![Just(End::Never), text().prop_map(End::On), any::<u32>().prop_map(End::After)];
    prop_oneof![
        Just(Schedule::Manual),
        Just(Schedule::AsSoonAsPossible),
        (text(), option::of(text())).prop_map(|(time, time_zone)| Schedule::At(At { time, time_zone })),
        (every, text(), option::of(text()), end).prop_map(|(every, start, time_zone, end)| {
            Schedule::Recurring(Recurring { every, start, time_zone, end })
        }),
    ]
}

fn campaign() -> impl Strategy<Value = Campaign> {
    let sub_audience = (option::of(slug()), text(), condition(), vec(group(), 0..3))
        .prop_map(|(id, name, condition, groups)| SubAudience { id, name, condition, groups });
    let membership = select(vec![Membership::Mirror, Membership::Append]);
    let most = (0_u32..=10_000).prop_map(|share| Percent::from_hundredths(share).expect("a share"));
    let guards = (any::<bool>(), option::of(most));
    let used =
        (option::of(vec(mapping(), 0..3)), option::of(text()), option::of(membership), guards, option::of(file()))
            .prop_map(|(attributes, name, membership, (allow_empty, max_removed), file)| DestinationUse {
                attributes,
                name,
                membership,
                allow_empty,
                max_removed,
                file,
            });
    let launch = prop_oneof![text().prop_map(Launch::On), any::<u32>().prop_map(Launch::DaysAfterDelivery)];
    let head = (slug(), text(), vec(slug(), 0..3), vec(slug(), 0..3), any::<bool>(), option::of(text()));
    let body = (vec(sub_audience, 0..3), vec(group(), 0..2), btree_map(slug(), used, 0..2));
    let split = select(vec![Split::Stable, Split::Exact]);
    let place = (option::of(text()), vec(text(), 0..3), any::<bool>());
    let timing = (schedule(), option::of(launch));
    (head, place, split, body, timing).prop_map(|(head, place, split, body, (schedule, launch))| {
        let (folder, labels, archived) = place;
        let (id, name, include, exclude, first_match_only, split_key) = head;
        let (sub_audiences, remaining, destinations) = body;
        Campaign {
            id,
            name,
            folder,
            labels,
            archived,
            include,
            exclude,
            first_match_only,
            split,
            split_key,
            sub_audiences,
            remaining,
            destinations,
            schedule,
            launch,
        }
    })
}

fn contract() -> impl Strategy<Value = Contract> {
    let format = select(vec![ContractFormat::Text, ContractFormat::PhoneDigits]);
    let column = (text(), any::<bool>(), format, any::<bool>(), option::of(text())).prop_map(
        |(name, required, format, sha256, semantic)| ContractColumn { name, required, format, sha256, semantic },
    );
    let head = (slug(), text(), text(), vec(column, 0..3), any::<bool>());
    let rules = (vec(text(), 0..3), vec(vec(text(), 0..2), 0..2), vec(text(), 0..3));
    (head, rules, option::of(file())).prop_map(|(head, (exactly_one_of, row, unique_by), file)| {
        let (id, name, description, columns, other_columns) = head;
        Contract { id, name, description, columns, other_columns, exactly_one_of, row, unique_by, file }
    })
}

fn definitions() -> impl Strategy<Value = Definitions> {
    let workspace = (text(), text(), vec(slug(), 0..3), any::<u32>()).prop_map(
        |(time_zone, customer_table, always_exclude, retention_days)| Workspace {
            time_zone,
            customer_table,
            always_exclude,
            retention_days,
            notifications: Vec::new(),
        },
    );
    let body = prop_oneof![condition().prop_map(SegmentBody::Where), text().prop_map(SegmentBody::Sql)];
    let segment = (slug(), text(), body).prop_map(|(id, name, customers)| Segment { id, name, customers });
    (
        option::of(workspace),
        vec(source(), 0..2),
        vec(segment, 0..3),
        vec(destination(), 0..2),
        vec(campaign(), 0..2),
        vec(contract(), 0..2),
    )
        .prop_map(|(workspace, sources, segments, destinations, campaigns, contracts)| Definitions {
            workspace,
            sources,
            segments,
            destinations,
            campaigns,
            contracts,
        })
}

/// Replaces the value that is met after so many steps through the tree.
fn replace(value: &mut Value, steps: &mut usize, by: &Value) {
    if *steps == 0 {
        *value = by.clone();
        *steps = usize::MAX;
        return;
    }
    *steps = steps.saturating_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, steps, by)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, steps, by)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn definitions_written_as_yaml_read_back_the_same(definitions in definitions()) {
        let text = write(&definitions);
        let reading = read(&[("a.yaml".into(), text.clone())]);
        prop_assert!(reading.problems.is_empty(), "{}\n{text}", shown(&reading.problems));
        prop_assert_eq!(reading.definitions, definitions);
    }

    #[test]
    fn definitions_written_as_json_read_back_the_same(definitions in definitions()) {
        let text = serde_json::to_string_pretty(&definitions).expect("definitions are JSON");
        let reading = read(&[("a.json".into(), text.clone())]);
        prop_assert!(reading.problems.is_empty(), "{}\n{text}", shown(&reading.problems));
        prop_assert_eq!(reading.definitions, definitions);
    }

    #[test]
    fn any_definitions_can_be_validated(definitions in definitions()) {
        let reading = read(&[("a.yaml".into(), write(&definitions))]);
        for found in reading.validate(Some(&catalog()), &TestKinds::new()) {
            prop_assert!(!found.problem.reason.is_empty() && !found.problem.remedy.is_empty());
            prop_assert!(found.line >= 1 && found.column >= 1);
        }
        reading.validate(None, &TestKinds::new());
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>(), yaml in "([a-c]: |- |\\{|\\}|\\[|\\]|\n|  |&a |\\*a|\"|'|, |!|\\?|#|\\||>){0,40}") {
        read(&[("a.yaml".into(), text), ("b.yaml".into(), yaml)]);
    }

    #[test]
    fn damaged_files_are_validated_without_a_panic(at in 0_usize..4000, length in 0_usize..20, by in "[a-z:{}\\[\\] \n-]{0,6}") {
        let mut files = files("clean");
        for (_, text) in &mut files {
            let begin = text.char_indices().nth(at).map_or(text.len(), |(index, _)| index);
            let end = text[begin..].char_indices().nth(length).map_or(text.len(), |(index, _)| begin + index);
            text.replace_range(begin..end, &by);
        }
        read(&files).validate(Some(&catalog()), &TestKinds::new());
    }

    #[test]
    fn what_the_reader_takes_the_published_schema_takes(steps in 1_usize..400, by in setting()) {
        let mut value = serde_json::to_value(read(&files("clean")).definitions).expect("definitions are JSON");
        let mut left = steps;
        replace(&mut value, &mut left, &by);
        let reading = read(&[("a.json".into(), value.to_string())]);
        let schema = json_schema();
        let validator = jsonschema::validator_for(&schema).expect("the schema is one");
        if reading.problems.is_empty() {
            prop_assert!(validator.is_valid(&value), "{value}");
            let again: BTreeMap<String, Value> =
                serde_json::from_value(json!(reading.definitions)).expect("definitions are a map");
            prop_assert!(again.contains_key("campaigns"));
        }
    }
}
