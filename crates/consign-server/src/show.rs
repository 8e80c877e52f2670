//! What the crates below say, as the views that commands print.

use std::collections::BTreeMap;
use std::error::Error;

use consign_delivery::Followed;
use consign_delivery::folder::DataFolder;
use consign_delivery::inspect::Request;
use consign_delivery::stage::{Counts, Reason};
use consign_delivery::testing;
use consign_destinations::registry::Registry;
use consign_engine::Explained;
use consign_model::definition::{Cadence, End, Schedule};
use consign_model::id::Slug;
use consign_model::spec::Kinds;
use consign_store::{AudienceCounts, StoredDefinitions};

use crate::summary::names;
use crate::view::{
    Audience, CampaignTest, CampaignTestLine, Delivery, Explanation, Group, Preview, Reasons, RequestLine, SegmentRole,
    SegmentTest, Sent, SubAudience, Test, TestFile, TestedDelivery, Treatment,
};

/// An error with its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What was found of a delivery that its platform works on.
pub fn followed(followed: &Followed) -> String {
    let Followed { delivery, state, open, problem } = followed;
    match (problem, open) {
        (Some(problem), 0) if state.is_final() => format!("asked about {delivery}: {state}, {problem}"),
        (Some(problem), _) => format!("asked about {delivery}, without an answer: {problem}"),
        (None, 0) => format!("asked about {delivery}: {state}"),
        (None, 1) => format!("asked about {delivery}: the platform still works on a job"),
        (None, open) => format!("asked about {delivery}: the platform still works on {open} jobs"),
    }
}

/// The counts of an audience.
pub fn audience(counts: AudienceCounts) -> Audience {
    let group = |group: consign_store::GroupCounts| Group {
        id: group.id.to_string(),
        name: group.name,
        control: group.control,
        customers: group.customers,
    };
    let sub_audiences = counts.sub_audiences.into_iter().map(|one| SubAudience {
        id: one.id.to_string(),
        name: one.name,
        customers: one.customers,
        groups: one.groups.into_iter().map(group).collect(),
    });
    Audience { customers: counts.customers, left_out: counts.left_out, sub_audiences: sub_audiences.collect() }
}

fn reasons(counts: &BTreeMap<Reason, u64>) -> Reasons {
    counts.iter().map(|(reason, count)| (reason.to_string(), *count)).collect()
}

/// What a delivery comes to, without saying which it is.
fn counted(Counts { customers, expansion, dropped, shrink, repeated: _, rows }: &Counts) -> Delivery {
    Delivery {
        customers: *customers,
        shrink: reasons(shrink),
        expansion: *expansion,
        dropped: reasons(dropped),
        rows: *rows,
        ..Delivery::default()
    }
}

/// A preview. Samples are split into their lines.
pub fn preview(preview: consign_delivery::Preview, version: u64, registry: &Registry) -> Preview {
    let names = names(Some(&preview.assignment.counts));
    let mut samples = preview.samples.into_iter();
    let mut differences = preview.differences.into_iter();
    let mut warnings = Vec::new();
    let mut deliveries = Vec::new();
    for delivery in preview.deliveries {
        let ids = (delivery.sub_audience.to_string(), delivery.group.to_string());
        let (sub_audience, group) = names.get(&ids).cloned().unwrap_or(ids);
        let specs = registry.specs();
        let spec = specs.into_iter().find(|spec| spec.kind == delivery.kind);
        if let Some(spec) = spec
            && let Some(fewest) = spec.list.min_useful_rows
            && delivery.counts.rows < fewest
        {
            warnings.push(format!(
                "{group} -> {}: {} rows are fewer than the {fewest} from which {} can use a list",
                delivery.destination, delivery.counts.rows, spec.title
            ));
        }
        deliveries.push(Delivery {
            sub_audience,
            group,
            destination: delivery.destination.to_string(),
            kind: delivery.kind,
            list_name: delivery.list_name,
            difference: differences.next().flatten(),
            sample: samples.next().map(|text| text.lines().map(ToOwned::to_owned).collect()).unwrap_or_default(),
            ..counted(&delivery.counts)
        });
    }
    Preview {
        campaign: preview.campaign.to_string(),
        campaign_name: preview.campaign_name,
        definitions_version: version,
        as_of: preview.as_of,
        audience: audience(preview.assignment.counts),
        deliveries,
        warnings,
    }
}

/// A test of a campaign.
pub fn campaign_test(test: testing::CampaignTest, data: &DataFolder) -> CampaignTest {
    let has_files = test.has_files(data);
    let names = names(Some(&test.audience));
    let deliveries = test.deliveries.into_iter().map(|delivery| {
        let ids = (delivery.sub_audience.to_string(), delivery.group.to_string());
        let (sub_audience, group) = names.get(&ids).cloned().unwrap_or(ids);
        let file = |file: testing::TestFile| TestFile {
            name: file.name,
            request: file.request,
            rows: file.rows,
            bytes: file.bytes,
        };
        TestedDelivery {
            delivery: Delivery {
                sub_audience,
                group,
                destination: delivery.destination.to_string(),
                kind: delivery.kind,
                list_name: delivery.list_name,
                ..counted(&delivery.counts)
            },
            id: delivery.id,
            files: delivery.files.into_iter().map(file).collect(),
            note: delivery.note,
            error: delivery.error,
        }
    });
    CampaignTest {
        test: test.id,
        campaign: test.campaign.to_string(),
        campaign_name: test.campaign_name,
        tested_at: test.tested_at,
        tested_by: test.tested_by,
        as_of: test.as_of,
        records: test.records,
        has_files,
        deliveries: deliveries.collect(),
        audience: audience(test.audience),
    }
}

/// A test among others.
pub fn campaign_test_line(test: testing::CampaignTest, data: &DataFolder) -> CampaignTestLine {
    CampaignTestLine {
        has_files: test.has_files(data),
        failed: test.deliveries.iter().filter(|delivery| delivery.error.is_some()).count(),
        test: test.id,
        tested_at: test.tested_at,
        tested_by: test.tested_by,
        records: test.records,
        deliveries: test.deliveries.len(),
    }
}

fn test(explained: &Explained) -> Test {
    Test { text: explained.text.clone(), holds: explained.holds, within: explained.parts.iter().map(test).collect() }
}

/// A condition under the name of what it belongs to.
fn named(name: &str, explained: &Explained) -> Test {
    Test { text: name.to_owned(), holds: explained.holds, within: vec![test(explained)] }
}

/// Why a customer is where it is.
pub fn explanation(
    explanation: consign_delivery::Explanation,
    current: &StoredDefinitions,
    campaign: &Slug,
    customer_key: &str,
    deliveries: &[consign_store::Delivery],
) -> Explanation {
    let definitions = &current.definitions;
    let defined = definitions.campaigns.iter().find(|one| one.id == *campaign);
    let workspace = definitions.workspace.clone().unwrap_or_default();
    let segment_name = |id: &Slug| {
        let segment = definitions.segments.iter().find(|segment| segment.id == *id);
        segment.map_or_else(|| id.to_string(), |segment| segment.name.clone())
    };
    let mut segments = Vec::new();
    let mut sub_audiences = Vec::new();
    let mut treatments = Vec::new();
    if let (Some(now), Some(defined)) = (&explanation.now, defined) {
        let roles = [
            (SegmentRole::Included, &defined.include, &now.include),
            (SegmentRole::Excluded, &defined.exclude, &now.exclude),
            (SegmentRole::AlwaysExcluded, &workspace.always_exclude, &now.always_exclude),
        ];
        for (role, ids, explained) in roles {
            let tests = ids.iter().zip(explained).map(|(id, explained)| named(&segment_name(id), explained));
            segments.extend(tests.map(|test| SegmentTest { role, test }));
        }
        let filters = now.sub_audiences.iter().filter_map(|one| Some(named(&one.name, one.condition.as_ref()?)));
        sub_audiences.extend(filters);
        if let Some(last) = &explanation.last_run {
            for recipient in &last.recipients {
                let known = treatments.iter().position(|treatment: &Treatment| {
                    treatment.sub_audience == recipient.sub_audience
                        && treatment.group.as_deref() == Some(&recipient.treatment)
                });
                let at = known.unwrap_or_else(|| {
                    treatments.push(Treatment {
                        sub_audience: recipient.sub_audience.clone(),
                        group: Some(recipient.treatment.clone()),
                        control: recipient.is_control,
                        position: now.position.to_string(),
                        destinations: Vec::new(),
                    });
                    treatments.len() - 1
                });
                treatments[at].destinations.extend(sent(recipient, deliveries));
            }
        }
    }
    Explanation {
        campaign: campaign.to_string(),
        campaign_name: defined.map_or_else(|| campaign.to_string(), |campaign| campaign.name.clone()),
        customer_key: customer_key.to_owned(),
        run: explanation.last_run.map(|last| last.run),
        as_of: explanation.as_of,
        forgotten: explanation.forgotten,
        exists: explanation.now.is_some(),
        in_audience: explanation.now.is_some_and(|now| now.in_audience),
        segments,
        sub_audiences,
        treatments,
    }
}

fn sent(recipient: &consign_delivery::recipients::Recipient, deliveries: &[consign_store::Delivery]) -> Option<Sent> {
    let destination = recipient.destination.clone()?;
    let delivery = deliveries
        .iter()
        .find(|one| one.destination.as_str() == destination && one.group.as_str() == recipient.treatment_id);
    let outcome = recipient.outcome.clone().unwrap_or_default();
    let sent = outcome == "sent";
    Some(Sent {
        list_name: delivery.map(|delivery| delivery.list_name.clone()).unwrap_or_default(),
        destination,
        sent,
        reasons: if sent { Vec::new() } else { vec![outcome] },
    })
}

/// A request to a platform.
pub fn request(Request { delivery, exchange }: Request) -> RequestLine {
    RequestLine {
        at: exchange.started,
        delivery,
        kind: exchange.kind,
        request: exchange.request_id,
        attempt: exchange.attempt,
        method: exchange.method,
        host: exchange.host,
        path: exchange.path,
        status: exchange.status,
        milliseconds: u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
        sent_bytes: exchange.sent_bytes,
        received_bytes: exchange.received_bytes,
        ids: exchange.ids.into_iter().collect(),
        failed: exchange.failed,
        concluded: exchange.concluded,
    }
}

/// A schedule in words.
pub fn schedule(schedule: &Schedule) -> String {
    let spoken = |time: &str| time.replace('T', " ");
    let recurring = match schedule {
        Schedule::Manual => return "by hand".to_owned(),
        Schedule::AsSoonAsPossible => return "as soon as possible".to_owned(),
        Schedule::At(at) => return format!("once, at {}", spoken(&at.time)),
        Schedule::Recurring(recurring) => recurring,
    };
    let every = match &recurring.every {
        Cadence::Hour => "every hour".to_owned(),
        Cadence::Day => "every day".to_owned(),
        Cadence::Week => "every week".to_owned(),
        Cadence::Month => "every month".to_owned(),
        Cadence::Quarter => "every three months".to_owned(),
        Cadence::Cron(expression) => format!("by cron `{expression}`"),
    };
    let end = match &recurring.end {
        End::Never => String::new(),
        End::On(day) => format!(" until {day}"),
        End::After(1) => ", once".to_owned(),
        End::After(times) => format!(", {times} times"),
    };
    format!("{every} from {}{end}", spoken(&recurring.start))
}
