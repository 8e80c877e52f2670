//! What can be asked on the command line.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use consign_delivery::testing;
use consign_model::id::Slug;
use consign_model::schedule;
use consign_sandbox::Fault;
use consign_store::{LEASE_TERM, Role};
use url::Url;

use crate::exit;

/// Decides who gets which treatment, and hands each group's list to the places where marketing happens.
#[derive(Debug, Parser)]
#[command(name = "consign", version, arg_required_else_help = true, after_long_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The folder that holds definitions, runs and staged lists
    #[arg(long, global = true, env = "CONSIGN_DATA", value_name = "DIR", default_value = ".consign")]
    pub data: PathBuf,
    /// Where the store is: `postgres://USER@HOST/DATABASE`, or a file. In the data folder unless said
    #[arg(long, global = true, env = "CONSIGN_STORE", hide_env_values = true, value_name = "PLACE")]
    pub store: Option<String>,
    /// How long a campaign stays with a process that is gone or stands still before another takes it over, in seconds
    #[arg(long, global = true, env = "CONSIGN_LEASE", value_name = "SECONDS", default_value_t = LEASE_TERM.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub lease: u64,
    /// The memory that the engine may take before it spills to disk, in MiB
    #[arg(long, global = true, env = "CONSIGN_MEMORY", value_name = "MIB", default_value_t = 512)]
    pub memory: usize,
    /// Where the sandbox is, for destinations with `sandbox: true`
    #[arg(
        long = "sandbox-url",
        global = true,
        env = "CONSIGN_SANDBOX",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8480"
    )]
    pub sandbox: String,
    /// Where the workspace key is kept, with which secrets are sealed: `file:PATH`, `env:NAME` or `command:COMMAND`
    #[arg(long, global = true, env = "CONSIGN_KEY", hide_env_values = true, value_name = "PLACE")]
    pub key: Option<String>,
    /// Print one JSON document on standard output, also where the command fails
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no remarks, only results and what is wrong
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a workspace with real purchase histories and invented people, run its campaign, and show what went where
    #[command(
        after_long_help = "Its definitions, data and runs are all in the folder: remove the folder, and nothing is \
                                 left of it.\n\nExamples:\n  consign demo\n  consign demo ~/consign-demo --json"
    )]
    Demo {
        /// The folder to make
        #[arg(value_name = "DIR", default_value = "demo")]
        folder: PathBuf,
        /// Write over definitions of an earlier demo that were changed since
        #[arg(long)]
        force: bool,
    },
    /// Check the definition files in a folder and name all problems at once
    #[command(
        after_long_help = "Reads every *.yaml and *.yml file below the folder, hidden ones apart, in the order of their \
                           names. Nothing is changed.\n\nExamples:\n  consign validate shop\n  consign validate shop --json"
    )]
    Validate {
        /// The folder with the definition files
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Check the definition files in a folder, say what they change, and make them the current definitions
    #[command(
        after_long_help = "Applying the same files twice changes nothing. Nothing is stored where there are errors.\n\n\
                           Examples:\n  consign apply shop\n  consign apply shop --dry-run"
    )]
    Apply {
        /// The folder with the definition files
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the current definitions as YAML
    #[command(after_long_help = "Examples:\n  consign export > definitions.yaml\n  consign export --out backup")]
    Export {
        /// Write `definitions.yaml` into this folder instead of to standard output
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Print the OpenAPI document of the API that `consign serve` has
    #[command(after_long_help = "Example:\n  consign openapi > openapi.json")]
    Openapi,
    /// Print the JSON Schema of definition files, for editors
    #[command(after_long_help = "Example:\n  consign schema > consign.schema.json")]
    Schema,
    /// Count a campaign and show what it would send; nothing is sent
    #[command(
        after_long_help = "Examples:\n  consign preview churn_prevention\n  consign preview churn_prevention --show-rows 3\n  consign preview churn_prevention --diff"
    )]
    Preview {
        /// The campaign's id
        campaign: Slug,
        /// Show the first N rows of each delivery, as they would be sent
        #[arg(long, value_name = "N", default_value_t = 0)]
        show_rows: usize,
        /// For lists that were delivered before: how many rows would be added, kept and removed
        #[arg(long)]
        diff: bool,
        /// The moment of the run
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Test a campaign: all but the sending, and the first records of each list as they would leave
    #[command(
        after_long_help = "What would leave is kept in the data folder for as long as staged data, or copied by --out: the files, and \
                           the bodies of requests. Runs, lists and recipients know nothing of a test.\n\n\
                           Examples:\n  consign test churn_prevention\n  consign test churn_prevention --records 5 --out sample\n  \
                           consign test churn_prevention --history"
    )]
    Test {
        /// The campaign's id
        campaign: Slug,
        /// The most records of each delivery that are kept, 1 to 10,000
        #[arg(long, value_name = "N", default_value_t = testing::USUAL_RECORDS, value_parser = records)]
        records: usize,
        /// Also put the files into this folder, one below it for each delivery
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Test nothing, and show the campaign's earlier tests
        #[arg(long, conflicts_with_all = ["records", "out", "as_of"])]
        history: bool,
        /// The moment of the run
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Run a campaign: assign, stage, deliver, and say what went where
    #[command(after_long_help = "A destination that fails does not stop the others; the exit code is 4 then.\n\n\
                           Examples:\n  consign run churn_prevention\n  consign run churn_prevention --as-of 1998-06-30")]
    Run {
        /// The campaign's id
        campaign: Slug,
        /// The moment of the run
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Bring runs to their end whose process ended before they did
    #[command(
        after_long_help = "`consign run` does this by itself for its campaign, unless the definitions have changed since.\n\n\
                           Examples:\n  consign resume\n  consign resume latest"
    )]
    Resume {
        /// The run's id, enough of its beginning or end to tell it apart, or `latest`; all unfinished runs without it
        run: Option<String>,
    },
    /// Send again what of a run did not arrive, as it was staged
    #[command(after_long_help = "Examples:\n  consign retry latest\n  consign retry latest --destination mail")]
    Retry {
        /// The run's id, enough of its beginning or end to tell it apart, or `latest`
        run: String,
        /// Only to this destination
        #[arg(long, value_name = "ID")]
        destination: Option<Slug>,
    },
    /// Give up a run whose process ended before it did
    #[command(
        after_long_help = "A run that a process works on is stopped by an interrupt (Ctrl-C) of that process.\n\n\
                                 Example:\n  consign cancel latest"
    )]
    Cancel {
        /// The run's id, enough of its beginning or end to tell it apart, or `latest`
        run: String,
    },
    /// Serve the browser interface and the API, and keep the schedules: run each campaign when it is due, until stopped
    #[command(
        after_long_help = "Runs in the foreground and logs to standard error, at the level `info` unless CONSIGN_LOG says \
                           otherwise. An interrupt (Ctrl-C) or a termination stops it within a batch. Definitions that are \
                           applied meanwhile are noticed. Staged data is deleted when its retention is over.\n\n\
                           While nobody can log in it says a link with which the first user is made.\n\n\
                           Examples:\n  consign serve --data /var/lib/consign\n  \
                           consign serve --listen 0.0.0.0:8470 --url https://consign.example.com"
    )]
    Serve {
        /// How many campaigns may run at the same time; each takes up to --memory
        #[arg(long, value_name = "N", default_value = "2")]
        at_once: NonZero<usize>,
        /// Where it listens; port 0 takes a free one. Elsewhere than on this machine only where somebody can log in
        #[arg(
            long,
            env = "CONSIGN_LISTEN",
            hide_env_values = true,
            value_name = "ADDRESS",
            default_value = "127.0.0.1:8470"
        )]
        listen: SocketAddr,
        /// By which address browsers reach it, where that is another: `https://HOST`, with a proxy there that speaks TLS
        #[arg(long, env = "CONSIGN_URL", hide_env_values = true, value_name = "URL")]
        url: Option<Url>,
    },
    /// Show when campaigns run next
    #[command(after_long_help = "Example:\n  consign schedule list")]
    Schedule {
        /// What to do with schedules.
        #[command(subcommand)]
        command: Schedules,
    },
    /// Show the latest runs, or one run with its deliveries
    #[command(
        after_long_help = "Where a platform works on for hours, it is asked first how far it is, as often as it likes to be asked.\n\n\
                                 Examples:\n  consign status\n  consign status 019abc12-3456-7def-8123-456789abcdef"
    )]
    Status {
        /// The run's id, enough of its beginning or end to tell it apart, or `latest`
        run: Option<String>,
        /// How many runs are shown
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
        /// Do not ask platforms about what they still work on
        #[arg(long)]
        no_poll: bool,
    },
    /// Show what a run asked of platforms and what they answered: no bodies, no personal data, no secrets
    #[command(after_long_help = "The latest requests of each run are kept, and all that failed.\n\n\
                           Examples:\n  consign requests\n  consign requests latest --failed\n  \
                           consign requests 019abc --delivery active.letter.mail --last 200 --json")]
    Requests {
        /// The run's id, enough of its beginning or end to tell it apart, or `latest`
        #[arg(default_value = "latest")]
        run: String,
        /// Only those of this delivery: its sub-audience, group and destination, such as `active.letter.mail`
        #[arg(long, value_name = "ID")]
        delivery: Option<String>,
        /// Only those that did not do what they should
        #[arg(long)]
        failed: bool,
        /// The last N
        #[arg(long, value_name = "N", default_value_t = 50)]
        last: usize,
    },
    /// Show who did what and when: applied definitions, runs, retries, deletions
    #[command(after_long_help = "It is only appended to. `serve` and `retention` are what acts by itself.\n\n\
                           Examples:\n  consign audit\n  consign audit --since 2026-11-01 --json")]
    Audit {
        /// Only from this moment on: a date, or a time with or without a zone
        #[arg(long, value_name = "TIME", value_parser = moment)]
        since: Option<Moment>,
    },
    /// Look the workspace over and say what is wrong and what to do; nothing is changed
    #[command(
        after_long_help = "The store, the data folder, the key, secrets, unfinished runs, staged files, the disk and the \
                           clock. The exit code is 7 where there is a problem, and 0 where there are warnings at most.\n\n\
                           Examples:\n  consign doctor\n  consign doctor --json"
    )]
    Doctor,
    /// Say why a customer is in a campaign's group, and for each destination sent or why not
    #[command(after_long_help = "Example:\n  consign explain churn_prevention 00042")]
    Explain {
        /// The campaign's id
        campaign: Slug,
        /// The customer's key
        customer_key: String,
    },
    /// Forget customers: remove every trace of them, and never send them again
    #[command(
        after_long_help = "They are taken off every list that lets one, and out of staged data; in the record of recipients a \
                           random token stands for each, so that counts stay. What cannot be removed is named. What cannot be \
                           removed now is removed by the next run, or by `consign serve`; the exit code is 4 then.\n\n\
                           Examples:\n  consign forget 00042\n  consign forget - < keys.txt"
    )]
    Forget {
        /// The customers' keys; `-` reads them from standard input, one a line
        #[arg(required = true, value_name = "CUSTOMER_KEY")]
        customer_keys: Vec<String>,
    },
    /// Serve the sandbox: the platforms' side of their protocols, to rehearse campaigns without an account
    #[command(
        after_long_help = "Destinations with `sandbox: true` send there. Open its address in a browser to look at lists, members, \
                           requests and refusals.\n\nExamples:\n  consign sandbox\n  consign sandbox --port 9000 --state sandbox\n  \
                           consign sandbox --fault klaviyo:import:3:rate-limit --fault '*:*:5%:unavailable'"
    )]
    Sandbox(Sandbox),
    /// Show the kinds of destinations, or test a configured one
    #[command(after_long_help = "Examples:\n  consign destinations list\n  consign destinations spec klaviyo\n  \
                           consign destinations test mail")]
    Destinations {
        /// What to do with them.
        #[command(subcommand)]
        command: Destinations,
    },
    /// Show the lists that are remembered, or read them again at their platforms
    #[command(
        after_long_help = "Reading a list makes what is known of it agree with what the platform has: members whom others put there or took off. \
                           The next run sends the difference to that.\n\n\
                           Examples:\n  consign lists\n  consign lists reconcile churn_prevention\n  consign lists reconcile klaviyo"
    )]
    Lists {
        /// What to do with them.
        #[command(subcommand)]
        command: Option<Lists>,
    },
    /// Keep secrets sealed in the store, for definitions to refer to as `stored:NAME`
    #[command(
        after_long_help = "Sealed with the workspace key (--key); nobody is shown a secret again.\n\nExamples:\n  \
                           consign credentials set klaviyo\n  consign credentials set klaviyo < key.txt\n  \
                           consign credentials list"
    )]
    Credentials {
        /// What to do with them.
        #[command(subcommand)]
        command: Credentials,
    },
    /// Say who may log in to the browser interface and the API, and what each may do
    #[command(
        after_long_help = "A viewer looks; an editor prepares campaigns; an operator sends; an admin decides where data may go, \
                           and who may do what. A password is asked for, or read from standard input.\n\nExamples:\n  \
                           consign users add ada@example.com --role admin\n  consign users password ada@example.com\n  \
                           consign users list"
    )]
    Users {
        /// What to do with them.
        #[command(subcommand)]
        command: Users,
    },
    /// Give programs tokens, with which they use the API in a user's name
    #[command(after_long_help = "A token is printed once, and kept as a hash.\n\nExamples:\n  \
                           consign tokens add nightly --user ada@example.com --role operator --days 90\n  \
                           consign tokens list")]
    Tokens {
        /// What to do with them.
        #[command(subcommand)]
        command: Tokens,
    },
    /// Make a workspace key, or change to a new one
    #[command(after_long_help = "The key is in `workspace.key` of the data folder unless --key says otherwise.\n\n\
                           Examples:\n  consign keys rotate\n  consign keys new > consign.key")]
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        command: Keys,
    },
    /// Back up the store and what of the data folder cannot be made again
    #[command(
        after_long_help = "Holds what is known of lists, the recipients, and the staged lists of runs that are not over: \
                           personal data. Your tables are not in it. Refused while a campaign is run.\n\n\
                           Examples:\n  consign backup /backups/monday\n  consign backup /backups/monday --with-key"
    )]
    Backup {
        /// The folder to make
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// With the workspace key, which opens all that is sealed in it
        #[arg(long)]
        with_key: bool,
    },
    /// Make a workspace from a backup, where there is none
    #[command(
        after_long_help = "Makes the data folder, and the store in it or where --store says: a backup of either kind of \
                           store restores into either.\n\nExamples:\n  consign restore /backups/monday\n  \
                           consign restore /backups/monday --data /srv/consign"
    )]
    Restore {
        /// The backup
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Test whether those who are notified of how runs end can be reached
    #[command(after_long_help = "The workspace's `notifications` say who is told of what.\n\n\
                           Example:\n  consign notifications test")]
    Notifications {
        /// What to do with them.
        #[command(subcommand)]
        command: Notifications,
    },
    /// Print completions for a shell
    #[command(after_long_help = "Example:\n  consign completions bash > /etc/bash_completion.d/consign")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What the sandbox is asked for.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// The port; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8480)]
    pub port: u16,
    /// The folder that keeps lists over restarts; without it they are forgotten
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// How long asynchronous work takes, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub job_time: f64,
    /// What goes wrong: PLATFORM:CALL:WHEN:WHAT, with `*` for every platform, call or time; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// Decides which calls and rows a fault of chance strikes: the same for the same number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// What to do with schedules.
#[derive(Debug, Subcommand)]
pub enum Schedules {
    /// List the next five times of each scheduled campaign, in its time zone, and what became of its last
    List,
}

/// What to do with destinations.
#[derive(Debug, Subcommand)]
pub enum Destinations {
    /// List the kinds of destinations, and those that are configured
    List,
    /// Show what a kind asks for and demands
    Spec {
        /// The kind, such as `klaviyo`
        kind: String,
    },
    /// Connect to a configured destination and say exactly what is wrong, if anything is
    Test {
        /// The destination's id
        name: String,
    },
}

/// What to do with stored credentials.
#[derive(Debug, Subcommand)]
pub enum Credentials {
    /// Store a credential, in place of an earlier one: from standard input, or asked for without showing it
    Set {
        /// What definitions call it: `stored:NAME`
        name: Slug,
    },
    /// List the names, when each was set, and by whom
    List,
    /// Remove a credential; refused while the definitions use it
    Remove {
        /// Its name
        name: Slug,
        /// Also where the definitions use it
        #[arg(long)]
        force: bool,
    },
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// Add a user; the password is asked for, or read from standard input
    Add {
        /// What they log in with: an e-mail address or another name
        name: String,
        /// What they may do: viewer, editor, operator or admin
        #[arg(long)]
        role: Role,
    },
    /// List them
    List,
    /// Give a user another password; they are logged out everywhere
    Password {
        /// Their name
        name: String,
    },
    /// Give a user another role
    Role {
        /// Their name
        name: String,
        /// What they may do: viewer, editor, operator or admin
        role: Role,
    },
    /// Let a user do nothing for now, nor their tokens
    Disable {
        /// Their name
        name: String,
    },
    /// Let a user in again
    Enable {
        /// Their name
        name: String,
    },
    /// Remove a user with their tokens
    Remove {
        /// Their name
        name: String,
    },
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Make a token, and print it this once
    Add {
        /// What it is for
        name: String,
        /// In whose name it is used
        #[arg(long, value_name = "NAME")]
        user: String,
        /// What it may do, as far as its user may: viewer, editor, operator or admin
        #[arg(long)]
        role: Role,
        /// How many days it is good; until it is removed without it
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: Option<u16>,
    },
    /// List them, with when each was last used
    List,
    /// Remove a token
    Remove {
        /// Its id, as `consign tokens list` shows it
        id: String,
    },
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Print a new key, to be kept where --key will say
    New,
    /// Seal everything again with a new key, after which the old one is not needed
    ///
    /// A key in a file is made and put in place. One in a variable or from a command is put before the old one first,
    /// and the old one taken out afterwards. Refused while another process works with the key; where it breaks off, both
    /// keys are good, and the next call goes on.
    Rotate,
}

/// What to do with notifications.
#[derive(Debug, Subcommand)]
pub enum Notifications {
    /// Send a test to each of them, and say which did not accept it
    Test,
}

/// What to do with lists.
#[derive(Debug, Subcommand)]
pub enum Lists {
    /// Read lists at their platforms, and make what is known of them agree
    Reconcile {
        /// The id of a campaign, or of a destination: all lists of it
        #[arg(value_name = "CAMPAIGN|DESTINATION")]
        name: Slug,
    },
}

/// The moment of a run.
#[derive(Debug, Clone, Copy, Args)]
pub struct AsOf {
    /// Take relative times from this moment and not from now: a date, or a time with or without a zone
    ///
    /// `1998-06-30` is the start of that day, and `1998-06-30T09:00` that time, in the workspace's time zone;
    /// `1998-06-30T09:00:00Z` is the same everywhere.
    #[arg(long = "as-of", value_name = "TIME", value_parser = moment)]
    as_of: Option<Moment>,
}

/// A moment as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// With a zone.
    Everywhere(DateTime<Utc>),
    /// Without one.
    Local(NaiveDateTime),
}

impl Moment {
    /// The moment, in a time zone where it names none. A time that the clock of the zone skips is the first that it shows
    /// afterwards.
    pub fn in_zone(self, time_zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Everywhere(moment) => moment,
            Self::Local(local) => schedule::moment(local, time_zone),
        }
    }
}

impl AsOf {
    /// The moment, in a time zone where it names none; `None` where it is not given.
    pub fn moment(self, time_zone: Tz) -> Option<DateTime<Utc>> {
        self.as_of.map(|moment| moment.in_zone(time_zone))
    }
}

fn records(text: &str) -> Result<usize, String> {
    let known = text.parse().ok().filter(|records| (1..=testing::MOST_RECORDS).contains(records));
    known.ok_or_else(|| format!("write a number from 1 to {}", testing::MOST_RECORDS))
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment::Everywhere(moment.with_timezone(&Utc)));
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(Moment::Local(date.and_time(NaiveTime::MIN)));
    }
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    local.map(Moment::Local).ok_or_else(|| "write a date such as 2026-06-30, or a time such as 2026-06-30T09:00".into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_moment_without_a_zone_is_in_the_workspaces() {
        let in_berlin = |text| {
            let as_of = AsOf { as_of: Some(moment(text).expect("a moment")) };
            as_of.moment(Tz::Europe__Berlin).expect("given").to_rfc3339()
        };
        assert_eq!(in_berlin("2026-06-30"), "2026-06-29T22:00:00+00:00");
        assert_eq!(in_berlin("2026-06-30T09:30"), "2026-06-30T07:30:00+00:00");
        assert_eq!(in_berlin("2026-06-30 09:30:15"), "2026-06-30T07:30:15+00:00");
        assert_eq!(in_berlin("2026-06-30T09:00:00Z"), "2026-06-30T09:00:00+00:00");
        assert_eq!(in_berlin("2026-06-30T09:00:00-02:00"), "2026-06-30T11:00:00+00:00");
        // The clock skips from 02:00 to 03:00, and shows 02:00 to 03:00 twice.
        assert_eq!(in_berlin("2026-03-29T02:30"), "2026-03-29T01:00:00+00:00");
        assert_eq!(in_berlin("2026-10-25T02:30"), "2026-10-25T00:30:00+00:00");
        assert!(moment("yesterday").is_err());
    }
}
