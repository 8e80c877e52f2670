//! The invented people: as many as there are customers, as untidy as a shop's, and nobody who exists.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::table::Table;

#[test]
fn every_customer_is_a_person_and_every_key_is_met_once() {
    let people = Table::demo("Merged_Customers");
    let keys: HashSet<&str> = people.texts("customer_id").into_iter().collect();
    assert_eq!(people.rows(), 23_570);
    assert_eq!(keys.len(), 23_570);
    assert!(keys.contains("00001") && keys.contains("23570"));
}

#[test]
fn every_email_domain_is_set_aside_for_examples() {
    for email in Table::demo("Merged_Customers").texts("email") {
        let Some((_, domain)) = email.trim().rsplit_once('@') else {
            assert!(!email.contains("http"), "{email}");
            continue;
        };
        let domain = domain.to_ascii_lowercase();
        assert!(matches!(domain.as_str(), "" | "example.com" | "example.org" | "example.net"), "{email}");
    }
}

#[test]
fn every_phone_number_is_of_a_range_for_fiction() {
    let fictional = [
        // United States and Canada, whatever stands before.
        "55501", // Great Britain.
        "7700900", "2079460", "1134960", "1144960", "1154960", "1164960", "1174960", "1184960", "1214960", "1314960",
        "1414960", "1514960", "1614960", "1914980", // Germany.
        "3023125", "2214710", "4066969", "6990009", "8999998", // France.
        "19900", "26191", "35301", "46571", "53649", "63998", // Australia.
        "25550", "35550", "75550", "85550", "27010", "37010", // Ireland.
        "2091",
    ];
    for phone in Table::demo("Merged_Customers").texts("phone") {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let known = fictional.iter().any(|range| digits.contains(range));
        assert!(
            known
                || matches!(
                    phone.trim(),
                    "" | "n/a" | "unknown" | "555-0100" | "0000000000" | "12345" | "ask at the desk"
                ),
            "{phone}"
        );
    }
}

#[test]
fn blanks_and_duplicates_are_as_frequent_as_in_a_shop() {
    let people = Table::demo("Merged_Customers");
    let share = |count: usize| count as f64 / people.rows() as f64;
    let blank = |column: &str| {
        share(people.text(column).iter().filter(|text| text.is_none_or(|text| text.trim().is_empty())).count())
    };
    let between = |what: &str, share: f64, low: f64, high: f64| {
        assert!((low..high).contains(&share), "{what}: {share}");
    };
    between("no e-mail", blank("email"), 0.045, 0.065);
    between("no phone", blank("phone"), 0.18, 0.22);
    between("no given name", blank("given_name"), 0.01, 0.02);
    between("no country", blank("country"), 0.02, 0.04);
    between("no gender", blank("gender"), 0.13, 0.17);
    between("no birthdate", share(people.nulls("birthdate")), 0.33, 0.37);
    // An empty text is not a NULL, and both are there.
    assert!(people.text("email").contains(&Some("")) && people.nulls("email") > 0);

    let emails: Vec<String> = people.texts("email").iter().map(|text| text.trim().to_lowercase()).collect();
    let good = |text: &&String| {
        text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !local.contains([' ', '@']) && !local.contains("..") && domain.starts_with("example.")
        })
    };
    let distinct: HashSet<&String> = emails.iter().filter(good).collect();
    between("bad e-mails", share(emails.iter().filter(|text| !text.is_empty() && !good(text)).count()), 0.01, 0.035);
    between("e-mails of another customer", share(emails.iter().filter(good).count() - distinct.len()), 0.01, 0.04);

    let phones = people.texts("phone");
    between("international phones", share(phones.iter().filter(|phone| phone.starts_with('+')).count()), 0.12, 0.3);
    between("accents", share(people.texts("surname").iter().filter(|name| !name.is_ascii()).count()), 0.05, 0.25);
}

#[test]
fn people_live_in_several_countries_and_write_them_in_several_ways() {
    let people = Table::demo("Merged_Customers");
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for country in people.texts("country") {
        *counts.entry(country).or_default() += 1;
    }
    for code in ["US", "GB", "CA", "DE", "FR", "AU", "IE", "USA", "United Kingdom"] {
        assert!(counts.contains_key(code), "nobody lives in {code}");
    }
    assert!(counts["US"] > counts["GB"] && counts["GB"] > counts["IE"]);
}

#[test]
fn some_customers_said_no_and_some_never_said() {
    let profiles = Table::demo("Customer_360");
    for (column, low, high) in [("email_opt_in", 0.7, 0.74), ("sms_opt_in", 0.48, 0.52)] {
        let flags = profiles.flags(column);
        let count = |wanted| flags.iter().filter(|flag| **flag == wanted).count();
        let yes = count(Some(true)) as f64 / flags.len() as f64;
        assert!((low..high).contains(&yes), "{column}: {yes}");
        assert!(count(Some(false)) > 3_000 && count(None) > 2_000, "{column}");
    }
}

#[test]
fn the_first_people_are_these() {
    let people = Table::demo("Merged_Customers");
    let mut shown = String::new();
    let columns = [
        "customer_id",
        "email",
        "phone",
        "given_name",
        "surname",
        "address",
        "city",
        "state",
        "postal",
        "country",
        "gender",
    ];
    let columns: Vec<Vec<Option<&str>>> = columns.iter().map(|name| people.text(name)).collect();
    for row in 0..30 {
        let values: Vec<String> =
            columns.iter().map(|column| column[row].map_or("NULL".into(), |text| format!("{text:?}"))).collect();
        writeln!(shown, "{}", values.join(" ")).expect("text takes text");
    }
    insta::assert_snapshot!(shown);
}
