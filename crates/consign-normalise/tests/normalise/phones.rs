//! The traps of rule P that the tables of the specifications do not show.

use consign_model::plan::Prehashed;
use consign_model::spec::Normalisation;
use consign_normalise::Cleaner;

use crate::{INVALID, MISSING, THIS_YEAR, check_in, clean_in, region, shown};

#[test]
fn zeros_before_a_number_are_read_as_a_plus_where_the_region_makes_nothing_of_them() {
    check_in(
        Normalisation::Phone,
        &[
            ("+001 800 356 9377", "US", None, "+18003569377", ""),
            ("001 800 356 9377", "US", None, "+18003569377", ""),
            ("+0044 20 7946 0018", "GB", None, "+442079460018", ""),
            ("+ 00 44 (0)20 7946 0018", "US", None, "+442079460018", ""),
            ("(00)44-20-7946-0018", "US", None, "+442079460018", ""),
            ("0033 6 12 34 56 78", "IT", None, "+33612345678", ""),
            ("tel:0044-20-7946-0018", "US", None, "+442079460018", ""),
            ("00 00", "US", None, INVALID, ""),
            ("+0", "US", None, INVALID, ""),
            ("+49 000000000", "US", None, INVALID, ""),
            ("0000000000", "DE", None, INVALID, ""),
            ("+", "US", None, INVALID, ""),
            ("+000000000000", "US", None, INVALID, ""),
            // One zero is a national number's.
            ("044 20 7946 0018", "US", None, INVALID, ""),
        ],
    );
}

#[test]
fn a_number_without_country_is_of_the_region_of_its_row() {
    check_in(
        Normalisation::Phone,
        &[
            ("8448309211", "US", None, "+18448309211", ""),
            ("8448309211", "US", Some("India"), "+918448309211", ""),
            ("8448309211", "US", Some("ind"), "+918448309211", ""),
            ("8448309211", "US", Some("Narnia"), "+18448309211", ""),
            ("8448309211", "US", Some(""), "+18448309211", ""),
            ("020 7946 0018", "US", Some("U.K."), "+442079460018", ""),
            ("+44 20 7946 0018", "US", Some("IN"), "+442079460018", ""),
            ("(206) 555-0100", "US", Some("CA"), "+12065550100", ""),
            ("(206) 555-0100", "GB", Some("US"), "+12065550100", ""),
            // A country without a numbering plan does not borrow the default's.
            ("(206) 555-0100", "US", Some("AQ"), INVALID, ""),
            ("+1 (206) 555-0100", "US", Some("AQ"), "+12065550100", ""),
        ],
    );
    let none = Cleaner::new(Normalisation::Phone, Prehashed::No, None, THIS_YEAR);
    assert_eq!(shown(none.value("206-555-0100", None, &mut String::new())), "+12065550100");
    assert_eq!(clean_in(Normalisation::Phone, "206-555-0100", "no region", None), INVALID);
    assert_eq!(clean_in(Normalisation::Phone, "+1 206-555-0100", "no region", None), "+12065550100");
}

#[test]
fn numbers_are_read_as_people_write_them() {
    check_in(
        Normalisation::Phone,
        &[
            ("\u{feff} +1 (206) 555-0100\u{200b}\n", "US", None, "+12065550100", ""),
            ("\u{202a}+12065550100\u{202c}", "US", None, "+12065550100", ""),
            ("＋１ ２０６ ５５５ ０１００", "GB", None, "+12065550100", ""),
            ("٠٢٠ ٧٩٤٦ ٠٠١٨", "GB", None, "+442079460018", ""),
            ("٠٠٤٤ ٢٠ ٧٩٤٦ ٠٠١٨", "US", None, "+442079460018", ""),
            ("06\u{202f}12\u{202f}34\u{202f}56\u{202f}78", "FR", None, "+33612345678", ""),
            ("206-555-0100 ext. 123", "US", None, "+12065550100", ""),
            ("206-555-0100x123", "US", None, "+12065550100", ""),
            ("206-555-0100 #123", "US", None, "+12065550100", ""),
            ("tel:+1-206-555-0100", "US", None, "+12065550100", ""),
            ("tel:206-555-0100;phone-context=+1", "GB", None, "+12065550100", ""),
            ("1-800-flowers", "US", None, "+18003569377", ""),
            ("+39 06 698 83712", "US", None, "+390669883712", ""),
            ("+390669883712", "US", None, "+390669883712", ""),
            ("00390669883712", "US", None, "+390669883712", ""),
        ],
    );
}

#[test]
fn what_no_telephone_can_dial_is_invalid() {
    let far_too_long = "2065550100 ".repeat(100);
    for raw in [
        "n/a",
        "unknown",
        "-",
        "()",
        "12",
        "911",
        "555-0100",
        "106-555-0100",
        "006-555-0100",
        "1-106-555-0100",
        "20655501001",
        "206-555-010",
        "206-555-0100 206-555-0101",
        "206-555-0100 / 206-555-0101",
        "206-555-0100\n206-555-0101",
        "+1 555-0100",
        "+999 1234 5678",
        "+44 7946 00",
        "+1234567890123456789",
        ";phone-context=+1tel:206-555-0100",
        "1e10",
        "jane@example.com",
        &far_too_long,
    ] {
        assert_eq!(clean_in(Normalisation::Phone, raw, "US", None), INVALID, "{raw:?}");
        assert_eq!(clean_in(Normalisation::PhoneDigits, raw, "US", None), INVALID, "{raw:?}");
    }
    for raw in ["", " \t", "\u{feff}", "\u{200b}\u{a0}"] {
        assert_eq!(clean_in(Normalisation::Phone, raw, "US", None), MISSING, "{raw:?}");
    }
    assert_eq!(clean_in(Normalisation::Phone, "7946 0018", "GB", None), INVALID, "local alone");
}

#[test]
fn strict_asks_for_an_assigned_range_too() {
    let strict = Cleaner::new(Normalisation::Phone, Prehashed::No, Some(&region("US", true)), THIS_YEAR);
    let strict = |raw| shown(strict.value(raw, None, &mut String::new()));
    for (raw, possible) in [("15559876543", "+15559876543"), ("+44 1 123 456 78", "+44112345678")] {
        assert_eq!(clean_in(Normalisation::Phone, raw, "US", None), possible);
        assert_eq!(strict(raw), INVALID, "{raw}");
    }
    for (raw, valid) in [("(206) 555-0100", "+12065550100"), ("0044 20 7946 0018", "+442079460018")] {
        assert_eq!(strict(raw), valid);
    }
}
