//! The other rules beyond the tables of the specifications: their edges, and what they do not touch.

use consign_model::plan::Prehashed;
use consign_model::spec::Normalisation;
use consign_normalise::Cleaner;

use crate::{INVALID, MISSING, THIS_YEAR, check, check_in, clean, clean_in, shown};

/// Checks (raw, cleaned).
#[track_caller]
fn check_plain(normalisation: Normalisation, values: &[(&str, &str)]) {
    for (raw, cleaned) in values {
        check(normalisation, &[(raw, cleaned, "")]);
    }
}

#[test]
fn text_is_trimmed_and_composed_and_no_more() {
    check_plain(
        Normalisation::Text,
        &[
            ("\u{feff}\u{200b} Zoe\u{308}  Ann\t", "Zoë  Ann"),
            ("en-US", "en-US"),
            ("a\u{200b}b", "a\u{200b}b"),
            ("", MISSING),
            (" \u{3000}\u{feff}", MISSING),
        ],
    );
    check_plain(
        Normalisation::TextUpTo(3),
        &[(" ëëë ", "ëëë"), ("e\u{308}ee", "ëee"), ("eeee", INVALID), (" ", MISSING)],
    );
    check_plain(Normalisation::None, &[(" as it is ", " as it is "), ("", MISSING)]);
}

#[test]
fn an_email_has_one_at_sign_a_dotted_domain_and_nothing_that_breaks_a_list() {
    for raw in [
        "@example.com",
        "jane@",
        "@",
        "jane",
        "jane@@example.com",
        "jane@doe@example.com",
        ".jane@example.com",
        "jane.@example.com",
        "jane@example..com",
        "jane@example.c",
        "jane@example.com.",
        "jane@example",
        "jane,doe@example.com",
        "jane;doe@example.com",
        "<jane@example.com>",
        "\"jane\"@example.com",
        "jane\tdoe@example.com",
        "jane\u{a0}doe@example.com",
        "jane\u{3000}@example.com",
        "jane@example.com, john@example.com",
    ] {
        assert_eq!(clean(Normalisation::Email, raw), INVALID, "{raw:?}");
    }
    check_plain(
        Normalisation::Email,
        &[
            (" ", MISSING),
            ("\u{feff}JANE@EXAMPLE.COM\r\n", "jane@example.com"),
            ("a@b.co", "a@b.co"),
            ("ΟΔΟΣ@example.com", "οδος@example.com"),
            ("İ\u{327}@example.com", "i\u{327}\u{307}@example.com"),
            ("jane@例え.テスト", "jane@例え.テスト"),
            ("o'brien+x_y-z%a@sub.example.co.uk", "o'brien+x_y-z%a@sub.example.co.uk"),
        ],
    );
}

#[test]
fn an_email_has_no_more_than_254_characters() {
    let address = |local: usize, letter: &str| format!("{}@example.com", letter.repeat(local));
    for letter in ["a", "é"] {
        assert_eq!(clean(Normalisation::Email, &address(242, letter)), address(242, letter));
        assert_eq!(clean(Normalisation::Email, &address(243, letter)), INVALID);
    }
}

#[test]
fn tiktoks_emails_lose_white_space_and_by_the_older_rule_aliases_and_dots() {
    check_plain(
        Normalisation::EmailWithoutSpace,
        &[("J a n e\u{a0}@ example . com", "jane@example.com"), ("a. .b@example.com", INVALID), ("\t", MISSING)],
    );
    check_plain(
        Normalisation::EmailStripAlias,
        &[
            ("j.d+a.b+c@ex.ample.com", "jd@ex.ample.com"),
            ("a..b@example.com", INVALID),
            ("jane@ex+ample.com", "jane@ex+ample.com"),
            ("", MISSING),
        ],
    );
}

#[test]
fn names_lose_punctuation_of_any_script_but_keep_symbols_and_accents() {
    check_plain(
        Normalisation::PersonName,
        &[
            ("Mary - Ann", "mary ann"),
            ("\tMary\u{a0}Ann\u{2003}Lee (née Doe)", "mary ann lee née doe"),
            ("«Zoë» ¿Ana?", "zoë ana"),
            ("a+b", "a+b"),
            ("İpek", "i\u{307}pek"),
            ("ΑΛΕΞΗΣ", "αλεξης"),
            ("e-\u{301}", "é"),
            ("山田、太郎", "山田太郎"),
            ("’ \u{200b}", MISSING),
            ("", MISSING),
        ],
    );
    check_plain(Normalisation::FirstInitial, &[("'Émile", "é"), ("- -", MISSING), ("李", "李")]);
}

#[test]
fn states_of_the_united_states_are_two_letters() {
    check_in(
        Normalisation::State,
        &[
            ("new  YORK", "US", Some("USA"), "ny", ""),
            ("N.Y.", "US", None, "ny", ""),
            ("Washington, D.C.", "US", None, "dc", ""),
            ("U.S. Virgin Islands", "US", None, "vi", ""),
            ("Guam", "GB", Some("United States"), "gu", ""),
            ("Calif.", "US", None, "calif", ""),
            ("California", "US", Some("Narnia"), "ca", ""),
            ("California", "MX", None, "california", ""),
            ("Georgia", "US", Some("GE"), "georgia", ""),
            ("Île-de-France", "US", Some("FR"), "îledefrance", ""),
            ("Land Niederösterreich / Wien", "AT", None, "landniederösterreichwien", ""),
            ("東京都", "JP", None, "東京都", ""),
            ("--", "US", None, MISSING, ""),
            ("", "US", None, MISSING, ""),
        ],
    );
}

#[test]
fn cities_are_a_to_z_where_they_can_be() {
    check_plain(
        Normalisation::City,
        &[
            ("Saint-Étienne 42", "saintetienne"),
            ("München 東京", "munchen"),
            ("東京 23", "東京"),
            ("МОСКВА", "москва"),
            ("'s-Hertogenbosch", "shertogenbosch"),
            ("12345", MISSING),
            ("!?", MISSING),
        ],
    );
}

#[test]
fn postal_codes_of_the_united_states_are_five_digits() {
    check_in(
        Normalisation::PostalCode,
        &[
            ("94305 - 1234", "US", None, "94305", ""),
            ("2139", "US", None, "02139", ""),
            ("2139", "FR", None, "2139", ""),
            ("2139", "US", Some("CH"), "2139", ""),
            ("213", "US", None, MISSING, ""),
            ("2139-1234", "US", None, MISSING, ""),
            ("K1A 0B1", "US", Some("US"), MISSING, ""),
            ("K1A 0B1", "US", Some("Narnia"), "k1a0b1", ""),
            ("1234é", "US", Some("US"), MISSING, ""),
            ("01-234", "PL", None, "01-234", ""),
            ("〒100-0001", "JP", None, "〒100-0001", ""),
            ("---", "US", None, MISSING, ""),
            (" ", "US", None, MISSING, ""),
        ],
    );
}

#[test]
fn countries_are_known_by_codes_and_english_names() {
    check_plain(
        Normalisation::Country,
        &[
            ("U.S.A.", "us"),
            ("the united states of america", "us"),
            ("uk", "gb"),
            ("Great Britain", "gb"),
            ("Côte d’Ivoire", "ci"),
            ("Cote d'Ivoire", "ci"),
            ("Türkiye", "tr"),
            ("TURKEY", "tr"),
            ("South Korea", "kr"),
            ("Korea", MISSING),
            ("Trinidad & Tobago", "tt"),
            ("St. Lucia", "lc"),
            ("Bolivia", "bo"),
            ("The Netherlands", "nl"),
            ("Viet-Nam", "vn"),
            ("XX", MISSING),
            ("840", MISSING),
            ("...", MISSING),
            ("", MISSING),
        ],
    );
}

#[test]
fn genders_are_two_or_none() {
    check_plain(
        Normalisation::Gender,
        &[("Girl", "f"), ("BOY", "m"), ("\u{feff}M\u{200b}", "m"), ("mm", MISSING), ("", MISSING)],
    );
}

#[test]
fn dates_of_birth_are_days_that_were() {
    check_plain(
        Normalisation::Birthdate,
        &[
            ("1987-03-09T00:00:00", "1987-03-09"),
            (" 1987-03-09 23:59:59.999999+02:00 ", "1987-03-09"),
            ("1987-03-09T00:00:00Z", "1987-03-09"),
            ("12/31/1990", "1990-12-31"),
            ("3/9/1987", "1987-03-09"),
            ("1900-01-01", "1900-01-01"),
            ("2026-12-31", "2026-12-31"),
            ("2027-01-01", MISSING),
            ("2000-02-29", "2000-02-29"),
            ("1900-02-29", MISSING),
            ("1987-13-01", MISSING),
            ("31/12/1990", MISSING),
            ("12/31/90", MISSING),
            ("1987-3-9", MISSING),
            ("1987-03-09x", MISSING),
            ("1987-03-09T", MISSING),
            ("1987-03", MISSING),
            ("19870309", MISSING),
            ("+987-03-09", MISSING),
            ("１９８７-03-09", MISSING),
            ("", MISSING),
        ],
    );
    for part in [Normalisation::BirthYear, Normalisation::BirthMonth, Normalisation::BirthDay] {
        check_plain(part, &[("1899-01-01", MISSING), ("02/30/1990", MISSING), ("", MISSING)]);
    }
}

#[test]
fn mobile_ad_ids_are_uuids() {
    check_plain(
        Normalisation::MobileAdId,
        &[
            ("", MISSING),
            (" 00000000-0000-0000-0000-000000000000 ", MISSING),
            ("aece52e703ee455ab3c4e57283966239", INVALID),
            ("{aece52e7-03ee-455a-b3c4-e57283966239}", INVALID),
            ("gece52e7-03ee-455a-b3c4-e57283966239", INVALID),
            ("aece52e7-03ee-455a-b3c4e57283966239-", INVALID),
        ],
    );
}

#[test]
fn coordinates_are_degrees_to_four_decimals() {
    check_plain(
        Normalisation::Latitude,
        &[
            (" 47.60621 ", "47.6062"),
            ("-33.86999", "-33.87"),
            ("90", "90"),
            ("90.00001", MISSING),
            ("-91", MISSING),
            ("100", MISSING),
            ("0", "0"),
            ("-0.00001", "0"),
            ("10.0", "10"),
            ("1e1", "10"),
            ("north", MISSING),
            ("47,6", MISSING),
            ("NaN", MISSING),
            ("inf", MISSING),
            ("", MISSING),
        ],
    );
    check_plain(Normalisation::Longitude, &[("-122.33207", "-122.3321"), ("180", "180"), ("-180.1", MISSING)]);
}

#[test]
fn a_hash_passes_where_it_is_one_of_the_whole_value() {
    use Normalisation as N;

    let hash = "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d";
    let clean = |normalisation, raw: &str| {
        let cleaner = Cleaner::new(normalisation, Prehashed::Sha256, None, THIS_YEAR);
        shown(cleaner.value(raw, None, &mut String::new()))
    };
    for whole in [N::Email, N::PhoneDigits, N::PersonName, N::State, N::City, N::PostalCode, N::Country, N::Gender] {
        assert_eq!(clean(whole, &format!("\t{}", hash.to_uppercase())), hash, "{whole:?}");
    }
    for part in [N::FirstInitial, N::BirthYear, N::BirthMonth, N::BirthDay] {
        assert_eq!(clean(part, hash), MISSING, "{part:?}");
    }
    assert_eq!(clean(N::PersonName, &hash[1..]), &hash[1..]);
    assert_eq!(clean_in(N::Phone, hash, "US", None), INVALID);
}

#[test]
fn what_is_cleaned_does_not_show_in_debug_output() {
    let cleaner = Cleaner::new(Normalisation::Email, Prehashed::No, None, THIS_YEAR);
    let mut scratch = String::new();
    assert_eq!(format!("{:?}", cleaner.value("jane@example.com", None, &mut scratch)), "Value(..)");
}
