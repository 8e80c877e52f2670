//! What commands show and the API answers, as values. `--json` prints them as they are; the command makes text of them.
//!
//! Counts are counts of customers or rows; reasons are the words of the design (`no_consent`, `suppressed`, ...).

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use consign_delivery::ListDifference;
use consign_delivery::lists::{KnownList, Reconciled};
use consign_model::document::Located;
use consign_store::{AuditEntry, ErrorClass, ListCounts, Outcome, Role, RunMode, Target, Token};
use schemars::JsonSchema;
use serde::Serialize;

/// How many of each reason.
pub type Reasons = BTreeMap<String, u64>;

/// What `validate` found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Validation {
    /// Whether the definitions can be applied.
    pub valid: bool,
    /// How many problems stop a run.
    pub errors: usize,
    /// How many do not.
    pub warnings: usize,
    /// How many of each sort of thing there are.
    pub definitions: BTreeMap<&'static str, usize>,
    /// Every problem, in the order of the files.
    pub problems: Vec<Located>,
}

/// What a campaign would send, or did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Preview {
    /// The campaign's id.
    pub campaign: String,
    /// The campaign's name.
    pub campaign_name: String,
    /// The version of the definitions.
    pub definitions_version: u64,
    /// The moment from which relative times are taken.
    pub as_of: DateTime<Utc>,
    /// Who gets which treatment.
    pub audience: Audience,
    /// What goes where.
    pub deliveries: Vec<Delivery>,
    /// What is worth knowing before it is run.
    pub warnings: Vec<String>,
}

/// Who gets which treatment, counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AudienceCounts")]
pub struct Audience {
    /// Customers in the audience.
    pub customers: u64,
    /// Rows of the sources without a customer, by reason.
    pub left_out: Reasons,
    /// The sub-audiences in order; the last is **remaining**.
    pub sub_audiences: Vec<SubAudience>,
}

/// A sub-audience, counted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "SubAudienceCounts")]
pub struct SubAudience {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its customers.
    pub customers: u64,
    /// Its groups in order.
    pub groups: Vec<Group>,
}

/// A treatment group, counted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "GroupCounts")]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is held out.
    pub control: bool,
    /// Its customers.
    pub customers: u64,
}

/// One group's list going to one destination.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "DeliveryCounts")]
pub struct Delivery {
    /// The sub-audience's name.
    pub sub_audience: String,
    /// The treatment group's name.
    pub group: String,
    /// The destination's id.
    pub destination: String,
    /// The destination's kind.
    pub kind: String,
    /// The list's or file's name.
    pub list_name: String,
    /// Customers of the group.
    pub customers: u64,
    /// Customers none of whose rows is staged, by reason.
    pub shrink: Reasons,
    /// Rows beyond one a customer.
    pub expansion: u64,
    /// Rows not staged, by reason.
    pub dropped: Reasons,
    /// Rows staged.
    pub rows: u64,
    /// What would change on a list that was delivered before; `None` unless asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<ListDifference>,
    /// The first rows as they would be sent, each as text; empty unless asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sample: Vec<String>,
}

/// What a test of a campaign came to. Counts are those of a run; of each list the first records were kept as they would
/// leave.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CampaignTest {
    /// The test's id.
    pub test: String,
    /// The campaign's id.
    pub campaign: String,
    /// The campaign's name.
    pub campaign_name: String,
    /// When it was made.
    pub tested_at: DateTime<Utc>,
    /// Who made it.
    pub tested_by: String,
    /// The moment from which relative times are taken.
    pub as_of: DateTime<Utc>,
    /// The most records of each delivery that were kept.
    pub records: usize,
    /// Whether its files are there; they are deleted when their retention is over.
    pub has_files: bool,
    /// Who would get which treatment.
    pub audience: Audience,
    /// What would go where.
    pub deliveries: Vec<TestedDelivery>,
}

/// A delivery of a test.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TestedDelivery {
    /// What it is.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Its id in the test, such as `active.letter.mail`.
    pub id: String,
    /// What would leave of its first records, in order.
    pub files: Vec<TestFile>,
    /// Why that cannot be shown although it would leave.
    pub note: Option<String>,
    /// Why it would fail before anything left.
    pub error: Option<String>,
}

/// A file as it would leave, or the body of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TestFile {
    /// Its name.
    pub name: String,
    /// The method and path of the request that it is the body of; `None` for a file.
    pub request: Option<String>,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// The tests of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignTests {
    /// The newest first.
    pub tests: Vec<CampaignTestLine>,
}

/// A test among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CampaignTestLine {
    /// The test's id.
    pub test: String,
    /// When it was made.
    pub tested_at: DateTime<Utc>,
    /// Who made it.
    pub tested_by: String,
    /// The most records of each delivery that were kept.
    pub records: usize,
    /// How many deliveries it has.
    pub deliveries: usize,
    /// How many of them would fail.
    pub failed: usize,
    /// Whether its files are there.
    pub has_files: bool,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunSummary {
    /// The run's id.
    pub run: String,
    /// The campaign's id.
    pub campaign: String,
    /// The campaign's name.
    pub campaign_name: String,
    /// The version of the definitions.
    pub definitions_version: u64,
    /// What it leaves behind.
    pub mode: RunMode,
    /// Where it stands: `assigning`, `staging`, `delivering` or `finished`.
    pub state: String,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error: Option<String>,
    /// The moment from which relative times are taken.
    pub as_of: DateTime<Utc>,
    /// When the campaign starts downstream.
    pub launch_date: Option<NaiveDate>,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended.
    pub finished: Option<DateTime<Utc>>,
    /// The time of the schedule that it was for; `None` where somebody began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Scheduled>,
    /// When its staged data was deleted; `None` where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staged_deleted: Option<DateTime<Utc>>,
    /// Who got which treatment, once counted.
    pub audience: Option<Audience>,
    /// What went where.
    pub deliveries: Vec<Delivered>,
}

/// The time of a schedule that a run was for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Scheduled {
    /// When it was due.
    pub due: DateTime<Utc>,
    /// Whether it was taken on late.
    pub late: bool,
    /// How many times before it were missed.
    pub missed: u64,
}

/// The campaigns with a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ScheduleList")]
pub struct Schedules {
    /// In the order of the definitions.
    pub schedules: Vec<ScheduleLine>,
}

/// A campaign's schedule. Times are those of its zone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScheduleLine {
    /// The campaign's id.
    pub campaign: String,
    /// The campaign's name.
    pub campaign_name: String,
    /// The schedule in words.
    pub schedule: String,
    /// The zone whose clocks it follows.
    pub time_zone: String,
    /// What came and nobody took on; `None` where there is nothing.
    pub overdue: Option<Overdue>,
    /// The next times; none where it is finished.
    pub next: Vec<DateTime<FixedOffset>>,
    /// What became of the campaign's last time; `None` before the first.
    pub last: Option<ScheduledTime>,
}

/// Times of a schedule that came and nobody took on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Overdue {
    /// The last of them.
    pub due: DateTime<FixedOffset>,
    /// How many there are.
    pub times: u64,
}

/// A time of a schedule and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ScheduledTime {
    /// When it was due.
    pub due: DateTime<FixedOffset>,
    /// When it was taken on.
    pub began: DateTime<FixedOffset>,
    /// Whether that was late.
    pub late: bool,
    /// How many times before it were missed.
    pub missed: u64,
    /// Where its run stands, or without one: `claimed`, `skipped` or `failed`.
    pub state: String,
    /// How its run ended, once it has.
    pub outcome: Option<Outcome>,
    /// The version of the definitions that its run went by.
    pub definitions_version: Option<u64>,
    /// Its run.
    pub run: Option<String>,
    /// Why there is none, or why it failed.
    pub reason: Option<String>,
}

/// A delivery of a run and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct Delivered {
    /// What it is.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Where it stands: `staging`, `sending`, `submitted`, `delivered`, `partial`, `failed` or `cancelled`.
    pub state: String,
    /// Until when its platform limits us, where that time has not passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_until: Option<DateTime<Utc>>,
    /// Where it went.
    pub targets: Vec<Target>,
    /// What became of a platform's list.
    pub list: Option<ListCounts>,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// Why a delivery failed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Failure {
    /// What sort of failure it is.
    pub class: ErrorClass,
    /// What happened and what to do.
    pub message: String,
}

/// Runs that were resumed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Resumed {
    /// The oldest first.
    pub runs: Vec<RunSummary>,
}

/// The latest runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Runs {
    /// The newest first.
    pub runs: Vec<RunLine>,
}

/// A run among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunLine {
    /// The run's id.
    pub run: String,
    /// The campaign's id.
    pub campaign: String,
    /// What it leaves behind.
    pub mode: RunMode,
    /// Where it stands.
    pub state: String,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended.
    pub finished: Option<DateTime<Utc>>,
    /// Customers in the audience, once counted.
    pub customers: Option<u64>,
}

/// Who did what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The oldest first.
    pub entries: Vec<AuditEntry>,
}

/// What a run asked of platforms.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Requests {
    /// The run's id.
    pub run: String,
    /// How many earlier ones there are that are not shown.
    pub before: u64,
    /// In the order in which they ended.
    pub requests: Vec<RequestLine>,
}

/// A request to a platform, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RequestLine {
    /// When it began.
    pub at: DateTime<Utc>,
    /// The delivery's id in its run.
    pub delivery: String,
    /// The destination's kind.
    pub kind: String,
    /// The id that we gave it.
    pub request: String,
    /// The how manieth time it was made, from 1.
    pub attempt: u32,
    /// The method.
    pub method: String,
    /// Scheme, host and port.
    pub host: String,
    /// The path, with the query masked.
    pub path: String,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// How long it took.
    pub milliseconds: u64,
    /// Bytes of its body.
    pub sent_bytes: u64,
    /// Bytes of the answer's body.
    pub received_bytes: u64,
    /// The ids that the platform gave, by name.
    pub ids: BTreeMap<String, String>,
    /// Whether it did not do what it should.
    pub failed: bool,
    /// What was concluded.
    pub concluded: String,
}

/// The lists that are remembered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ListList")]
pub struct Lists {
    /// By destination, campaign and group.
    pub lists: Vec<KnownList>,
}

/// The credentials that are stored; never what they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// By name.
    pub credentials: Vec<StoredCredential>,
}

/// A credential that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredCredential {
    /// Its name.
    pub name: String,
    /// When it was set.
    pub set_at: DateTime<Utc>,
    /// Who set it.
    pub set_by: String,
}

/// The users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Users {
    /// By name.
    pub users: Vec<UserLine>,
}

/// A user among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserLine {
    /// What they log in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may not log in for now.
    pub disabled: bool,
    /// When they were added.
    pub created_at: DateTime<Utc>,
}

/// The tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// By owner and name.
    pub tokens: Vec<TokenLine>,
}

/// A token among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub struct TokenLine {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The name of the user for whom it stands.
    pub owner: String,
    /// What it may do, as far as its owner may.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub used_at: Option<DateTime<Utc>>,
    /// Until when it is good.
    pub until: Option<DateTime<Utc>>,
}

/// A token that was made.
#[derive(Clone, Serialize, JsonSchema)]
pub struct NewTokenSecret {
    /// What is known of it.
    pub token: TokenLine,
    /// The token itself, which nobody is shown again.
    pub secret: String,
}

impl From<Token> for TokenLine {
    fn from(Token { id, name, owner, role, created_at, used_at, until }: Token) -> Self {
        Self { id, name, owner, role, created_at, used_at, until }
    }
}

/// The lists that were read again at their platforms.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReconciledLists {
    /// In the order of the campaign.
    pub lists: Vec<Reconciled>,
}

/// What became of one customer in a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explanation {
    /// The campaign's id.
    pub campaign: String,
    /// The campaign's name.
    pub campaign_name: String,
    /// The customer's key.
    pub customer_key: String,
    /// The run that it is about; `None` where there was none yet.
    pub run: Option<String>,
    /// The moment from which relative times are taken.
    pub as_of: DateTime<Utc>,
    /// When the customer was forgotten, if that is so: no run assigns or sends it since.
    pub forgotten: Option<DateTime<Utc>>,
    /// Whether the customer table has the customer.
    pub exists: bool,
    /// The segments that the audience is made of, excluded and always excluded ones after the included.
    pub segments: Vec<SegmentTest>,
    /// Whether the customer is in the audience.
    pub in_audience: bool,
    /// Each sub-audience's filter, in order, as far as it was looked at.
    pub sub_audiences: Vec<Test>,
    /// The treatments that the customer got. Several only where a customer may be in several sub-audiences.
    pub treatments: Vec<Treatment>,
}

/// A segment of an audience and whether the customer is in it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SegmentTest {
    /// What the campaign does with the segment.
    pub role: SegmentRole,
    /// The segment.
    pub test: Test,
}

/// What a campaign does with a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentRole {
    /// Its customers are in the audience.
    Included,
    /// Its customers are not.
    Excluded,
    /// Its customers are in no campaign.
    AlwaysExcluded,
}

/// A condition and whether it holds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ConditionTest")]
pub struct Test {
    /// The condition in words.
    pub text: String,
    /// Whether it holds.
    pub holds: bool,
    /// What it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Test>,
}

/// A treatment that a customer got.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Treatment {
    /// The sub-audience's name.
    pub sub_audience: String,
    /// The treatment group's name; `None` where the sub-audience has no groups.
    pub group: Option<String>,
    /// Whether it is held out.
    pub control: bool,
    /// The customer's position, a 64-bit integer in decimal.
    pub position: String,
    /// Each destination of the group.
    pub destinations: Vec<Sent>,
}

/// Whether a customer was sent to a destination.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sent {
    /// The destination's id.
    pub destination: String,
    /// The list's or file's name.
    pub list_name: String,
    /// Whether a row of the customer was sent.
    pub sent: bool,
    /// Why not, or what was left out of what was sent: the attribute and the reason.
    pub reasons: Vec<String>,
}

/// What a test of a destination found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TestResult {
    /// The destination's id.
    pub destination: String,
    /// The destination's kind.
    pub kind: String,
    /// Whether lists can be sent there.
    pub works: bool,
    /// What was tried, in order; the last one failed where it does not work.
    pub steps: Vec<TestStep>,
}

/// One thing that a test of a destination tried.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TestStep {
    /// What was tried, such as `resolve the host name`.
    pub what: String,
    /// What is wrong and what to do; `None` where it worked.
    pub problem: Option<String>,
}

/// Who could be notified.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NotificationTests {
    /// Each notification of the definitions, by its id.
    pub notifications: Vec<TestStep>,
}

/// What the demo made.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Demo {
    /// The folder with the workspace.
    pub folder: String,
    /// Its campaign's first run.
    pub first: RunSummary,
    /// Its second, after a few customers changed.
    pub later: RunSummary,
    /// What the sandbox has of the second.
    pub lists: Vec<SandboxList>,
    /// What to try next, each a command.
    pub next: Vec<String>,
}

/// A list of a run, as the sandbox has it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SandboxList {
    /// The destination's id.
    pub destination: String,
    /// The list's name.
    pub list_name: String,
    /// The members that the run says it has.
    pub delivered: u64,
    /// The members that the sandbox counts.
    pub members: u64,
}

/// The kinds of destinations, and those that are configured.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DestinationList {
    /// The kinds in the order shown.
    pub kinds: Vec<KindLine>,
    /// The destinations of the current definitions.
    pub destinations: Vec<DestinationLine>,
}

/// A kind among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct KindLine {
    /// Its id.
    pub kind: &'static str,
    /// Its name as shown.
    pub title: &'static str,
    /// Whether it writes files.
    pub writes_files: bool,
    /// What it does.
    pub description: &'static str,
}

/// A configured destination among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DestinationLine {
    /// Its id.
    pub destination: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
}
