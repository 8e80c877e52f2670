//! When campaigns are due, over real changes of clocks.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use consign_model::definition::{At, Cadence, End, Recurring, Schedule};
use consign_model::schedule::{Due, Timetable, moment};
use proptest::prelude::*;
use proptest::sample::select;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

fn long_ago() -> DateTime<Utc> {
    utc("2000-01-01T00:00:00Z")
}

fn recurring(every: Cadence, start: &str, zone: &str, end: End) -> Schedule {
    Schedule::Recurring(Recurring { every, start: start.into(), time_zone: Some(zone.into()), end })
}

fn timetable(schedule: &Schedule) -> Timetable {
    Timetable::of(schedule, Tz::UTC, long_ago()).expect("it has times")
}

/// The first so many times after a moment, as clocks show them.
fn shown(every: Cadence, start: &str, zone: &str, after: &str, times: usize) -> Vec<String> {
    let timetable = timetable(&recurring(every, start, zone, End::Never));
    let zone = timetable.zone();
    let after = moment(NaiveDateTime::parse_from_str(after, "%Y-%m-%dT%H:%M").expect("a time"), zone);
    let times = timetable.times(Some(after)).take(times);
    times.map(|time| time.with_timezone(&zone).format("%Y-%m-%d %H:%M %:z").to_string()).collect()
}

fn cron(expression: &str) -> Cadence {
    Cadence::Cron(expression.into())
}

#[test]
fn days_follow_clocks_over_the_night_in_which_they_are_put_forward() {
    assert_eq!(
        shown(Cadence::Day, "2026-01-01T02:30", "Europe/Berlin", "2026-03-27T12:00", 3),
        ["2026-03-28 02:30 +01:00", "2026-03-29 03:00 +02:00", "2026-03-30 02:30 +02:00"]
    );
    assert_eq!(
        shown(Cadence::Day, "2026-01-01T02:30", "America/New_York", "2026-03-07T12:00", 2),
        ["2026-03-08 03:00 -04:00", "2026-03-09 02:30 -04:00"]
    );
    // Half an hour: 02:00 to 02:30 is not there.
    assert_eq!(
        shown(Cadence::Day, "2026-01-01T02:15", "Australia/Lord_Howe", "2026-10-03T12:00", 2),
        ["2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"]
    );
    assert_eq!(
        shown(Cadence::Day, "2026-01-01T02:30", "Australia/Lord_Howe", "2026-10-03T12:00", 1),
        ["2026-10-04 02:30 +11:00"]
    );
    // Two hours.
    assert_eq!(
        shown(Cadence::Day, "2026-01-01T01:30", "Antarctica/Troll", "2026-03-28T12:00", 1),
        ["2026-03-29 03:00 +02:00"]
    );
}

#[test]
fn a_time_that_clocks_show_twice_counts_once_at_the_first() {
    assert_eq!(
        shown(Cadence::Day, "2026-01-01T02:30", "Europe/Berlin", "2026-10-24T12:00", 2),
        ["2026-10-25 02:30 +02:00", "2026-10-26 02:30 +01:00"]
    );
    assert_eq!(
        shown(Cadence::Week, "2026-10-18T01:30", "America/New_York", "2026-10-30T12:00", 2),
        ["2026-11-01 01:30 -04:00", "2026-11-08 01:30 -05:00"]
    );
    assert_eq!(
        shown(Cadence::Day, "2026-01-01T01:45", "Australia/Lord_Howe", "2026-04-04T12:00", 2),
        ["2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"]
    );
    // Asked for in the hour that comes again, the first is over.
    let timetable = timetable(&recurring(Cadence::Day, "2026-01-01T02:30", "Europe/Berlin", End::Never));
    assert_eq!(timetable.times(Some(utc("2026-10-25T01:10:00Z"))).next(), Some(utc("2026-10-26T01:30:00Z")));
}

#[test]
fn hours_are_hours_that_pass() {
    assert_eq!(
        shown(Cadence::Hour, "2026-01-01T00:15", "Europe/Berlin", "2026-03-29T01:00", 3),
        ["2026-03-29 01:15 +01:00", "2026-03-29 03:15 +02:00", "2026-03-29 04:15 +02:00"]
    );
    assert_eq!(
        shown(Cadence::Hour, "2026-01-01T00:15", "Europe/Berlin", "2026-10-25T01:30", 3),
        ["2026-10-25 02:15 +02:00", "2026-10-25 02:15 +01:00", "2026-10-25 03:15 +01:00"]
    );
}

#[test]
fn cron_expressions_of_one_time_a_day_follow_the_rule_of_days_and_others_pass_hours() {
    for (zone, after, expected) in [
        ("Europe/Berlin", "2026-03-28T12:00", "2026-03-29 03:00 +02:00"),
        ("Europe/Berlin", "2026-10-24T12:00", "2026-10-25 02:30 +02:00"),
        ("America/New_York", "2026-03-07T12:00", "2026-03-08 03:00 -04:00"),
        ("America/New_York", "2026-10-31T12:00", "2026-11-01 02:30 -05:00"),
        ("Antarctica/Troll", "2026-03-28T12:00", "2026-03-29 03:00 +02:00"),
    ] {
        assert_eq!(shown(cron("30 2 * * *"), "2026-01-01T00:00", zone, after, 1), [expected]);
    }
    assert_eq!(
        shown(cron("45 1 * * *"), "2026-01-01T00:00", "Australia/Lord_Howe", "2026-04-04T12:00", 2),
        ["2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"]
    );
    assert_eq!(
        shown(cron("*/30 * * * *"), "2026-01-01T00:00", "Europe/Berlin", "2026-10-25T01:45", 5),
        [
            "2026-10-25 02:00 +02:00",
            "2026-10-25 02:30 +02:00",
            "2026-10-25 02:00 +01:00",
            "2026-10-25 02:30 +01:00",
            "2026-10-25 03:00 +01:00"
        ]
    );
    assert_eq!(
        shown(cron("0 9 * * 1"), "2026-12-01T09:00", "Europe/Berlin", "2026-11-01T00:00", 2),
        ["2026-12-07 09:00 +01:00", "2026-12-14 09:00 +01:00"]
    );
}

#[test]
fn a_month_too_short_for_the_day_has_it_on_its_last() {
    let days = |every, start, times| {
        let shown = shown(every, start, "Europe/Berlin", "2027-01-01T00:00", times);
        shown.into_iter().map(|time| time[..10].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(days(Cadence::Month, "2026-12-31T09:00", 4), ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]);
    assert_eq!(days(Cadence::Quarter, "2026-11-30T09:00", 3), ["2027-02-28", "2027-05-30", "2027-08-30"]);
    assert_eq!(days(Cadence::Quarter, "2027-11-30T09:00", 2), ["2027-11-30", "2028-02-29"]);
}

#[test]
fn schedules_end_after_a_day_or_so_many_times() {
    let times = |end| {
        let schedule = recurring(Cadence::Day, "2026-12-01T09:00", "Europe/Berlin", end);
        timetable(&schedule).times(None).take(10).map(|time| time.to_rfc3339()).collect::<Vec<_>>()
    };
    assert_eq!(times(End::Never).len(), 10);
    assert_eq!(times(End::On("2026-12-02".into())), ["2026-12-01T08:00:00+00:00", "2026-12-02T08:00:00+00:00"]);
    assert_eq!(times(End::After(2)), ["2026-12-01T08:00:00+00:00", "2026-12-02T08:00:00+00:00"]);
    let after = recurring(cron("0 9 * * *"), "2026-12-01T09:00", "Europe/Berlin", End::After(3));
    let left: Vec<_> = timetable(&after).times(Some(utc("2026-12-02T08:00:00Z"))).collect();
    assert_eq!(left, [utc("2026-12-03T08:00:00Z")], "those before count");
}

#[test]
fn nothing_that_recurs_is_due_before_the_schedule_was_made() {
    let schedule = recurring(Cadence::Week, "2026-01-05T09:00", "UTC", End::After(2));
    let timetable = Timetable::of(&schedule, Tz::UTC, utc("2026-11-25T10:00:00Z")).expect("it has times");
    let times: Vec<_> = timetable.times(None).collect();
    assert_eq!(times, [utc("2026-11-30T09:00:00Z"), utc("2026-12-07T09:00:00Z")]);
}

#[test]
fn once_is_once_and_due_also_where_it_is_past_already() {
    let made = utc("2026-11-25T10:00:00.5Z");
    let at = |time: &str| Schedule::At(At { time: time.into(), time_zone: None });
    let of = |schedule: &Schedule| Timetable::of(schedule, Tz::Europe__Berlin, made).expect("it has times");
    let past = of(&at("2026-11-25T09:00"));
    let time = utc("2026-11-25T08:00:00Z");
    assert_eq!(past.due(None, made), Some(Due { at: time, missed: 0 }));
    assert!(past.is_late(time, made));
    assert_eq!(past.due(Some(time), made), None);
    assert_eq!(of(&at("2027-03-28T02:30")).times(None).collect::<Vec<_>>(), [utc("2027-03-28T01:00:00Z")]);
    let soon = of(&Schedule::AsSoonAsPossible);
    assert_eq!(soon.times(None).collect::<Vec<_>>(), [made]);
    assert!(!soon.is_late(made, utc("2027-01-01T00:00:00Z")), "nobody said when");
    assert!(Timetable::of(&Schedule::Manual, Tz::UTC, made).is_none());
}

#[test]
fn of_several_times_that_came_the_last_is_due_and_the_others_are_counted() {
    let timetable = timetable(&recurring(Cadence::Day, "2026-12-01T09:00", "UTC", End::Never));
    let at = |text| utc(text);
    assert_eq!(timetable.due(None, at("2026-12-01T08:59:59Z")), None);
    assert_eq!(
        timetable.due(None, at("2026-12-01T09:00:00Z")),
        Some(Due { at: at("2026-12-01T09:00:00Z"), missed: 0 })
    );
    let decided = Some(at("2026-12-01T09:00:00Z"));
    assert_eq!(timetable.due(decided, at("2026-12-02T08:00:00Z")), None);
    assert_eq!(
        timetable.due(decided, at("2026-12-05T12:00:00Z")),
        Some(Due { at: at("2026-12-05T09:00:00Z"), missed: 3 })
    );
    assert!(!timetable.is_late(at("2026-12-05T09:00:00Z"), at("2026-12-05T09:01:00Z")));
    assert!(timetable.is_late(at("2026-12-05T09:00:00Z"), at("2026-12-05T09:01:01Z")));
}

const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Kolkata", "UTC"];

fn any_start() -> impl Strategy<Value = NaiveDateTime> {
    let first = NaiveDateTime::parse_from_str("2024-01-01T00:00", "%Y-%m-%dT%H:%M").expect("a time");
    (0..4 * 366 * 24 * 12_i64).prop_map(move |fives| first + TimeDelta::minutes(5 * fives))
}

fn any_cadence() -> impl Strategy<Value = Cadence> {
    let simple = select(vec![Cadence::Hour, Cadence::Day, Cadence::Week, Cadence::Month, Cadence::Quarter]);
    let crons = select(vec!["30 2 * * *", "*/20 * * * *", "0 1,2,3 * * 0", "15 2 31 * *", "0 0 1 */3 *"]);
    prop_oneof![simple, crons.prop_map(|expression| Cadence::Cron(expression.to_owned()))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// In order, each once, within the end, and from wherever one asks the same.
    #[test]
    fn times_are_a_sequence(
        every in any_cadence(),
        start in any_start(),
        zone in select(ZONES.to_vec()),
        limit in 1_u32..40,
        days in 0_i64..200,
        skip in 0_usize..40,
    ) {
        let text = start.format("%Y-%m-%dT%H:%M").to_string();
        let last_day = (start + TimeDelta::days(days)).date();
        for end in [End::Never, End::After(limit), End::On(last_day.to_string())] {
            let timetable = timetable(&recurring(every.clone(), &text, zone, end.clone()));
            let times: Vec<_> = timetable.times(None).take(60).collect();
            prop_assert!(times.is_sorted_by(|a, b| a < b));
            prop_assert!(times.iter().all(|time| *time >= moment(start, timetable.zone())));
            match end {
                End::Never => prop_assert_eq!(times.len(), 60),
                End::After(limit) => prop_assert_eq!(times.len(), 60.min(limit as usize)),
                End::On(_) => {
                    let day = |time: &DateTime<Utc>| time.with_timezone(&timetable.zone()).date_naive();
                    prop_assert!(times.iter().all(|time| day(time) <= last_day));
                }
            }
            if let Some(decided) = times.get(skip) {
                let rest: Vec<_> = timetable.times(Some(*decided)).take(60 - skip - 1).collect();
                prop_assert_eq!(rest.as_slice(), &times[skip + 1..]);
            }
        }
    }

    /// Clocks show what the schedule says, but where they skip it: then the first moment after.
    #[test]
    fn clocks_show_the_time_of_the_start_unless_they_skip_it(
        every in select(vec![Cadence::Day, Cadence::Week, Cadence::Month, Cadence::Quarter]),
        start in any_start(),
        zone in select(ZONES.to_vec()),
    ) {
        let text = start.format("%Y-%m-%dT%H:%M").to_string();
        let timetable = timetable(&recurring(every, &text, zone, End::Never));
        let zone = timetable.zone();
        for time in timetable.times(None).take(400) {
            let clock = time.with_timezone(&zone).naive_local();
            if clock.time() == start.time() {
                prop_assert_eq!(zone.from_local_datetime(&clock).earliest(), Some(time.with_timezone(&zone)));
                continue;
            }
            let said = clock.date().and_time(start.time());
            prop_assert!(zone.from_local_datetime(&said).earliest().is_none(), "{said} is there, and {clock} was taken");
            let before = (time - TimeDelta::seconds(1)).with_timezone(&zone).naive_local();
            prop_assert!(before < said && said < clock, "{time} is not the first moment after");
            prop_assert!(clock.day() == said.day());
        }
    }
}
