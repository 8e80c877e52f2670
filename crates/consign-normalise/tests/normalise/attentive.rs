//! `attentive.md`, section 7.

use consign_model::spec::Normalisation;

use crate::{INVALID, check, check_in};

#[test]
fn emails_are_cleaned_as_attentive_asks() {
    check(
        Normalisation::Email,
        &[
            ("  Jane.Doe@Example.COM ", "jane.doe@example.com", ""),
            ("JOHN.DOE+promo@example.com", "john.doe+promo@example.com", ""),
            ("E\u{301}milie.Dupont@exemple.fr", "émilie.dupont@exemple.fr", ""),
            ("a..b@example.com", INVALID, ""),
        ],
    );
}

#[test]
fn phones_are_cleaned_as_attentive_asks() {
    check_in(
        Normalisation::Phone,
        &[
            ("(206) 555-0100", "US", None, "+12065550100", ""),
            ("２０６-５５５-０１００", "US", None, "+12065550100", ""),
            ("1-800-FLOWERS", "US", None, "+18003569377", ""),
            ("0044 20 7946 0018", "US", None, "+442079460018", ""),
            ("8448309211", "US", Some("IN"), "+918448309211", ""),
            ("020 7946 0018", "GB", None, "+442079460018", ""),
            ("+44 (0)20 7946 0018", "US", None, "+442079460018", ""),
            ("06 12 34 56 78", "FR", None, "+33612345678", ""),
            ("06 698 83712", "IT", None, "+390669883712", ""),
            ("0412 345 678", "AU", None, "+61412345678", ""),
            ("555-0100", "US", None, INVALID, ""),
        ],
    );
}
