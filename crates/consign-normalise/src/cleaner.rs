//! One column's rule, made once and asked for each row.

use std::fmt;

use arrow::array::{Array, StringViewArray, StringViewBuilder};
use consign_model::plan::{Prehashed, RegionRule};
use consign_model::spec::Normalisation;
use rlibphonenumber::Region;

use crate::email::EmailRule;
use crate::phone::PhoneRule;
use crate::{coordinate, country, date, device, email, hash, person, phone, place, text};

/// The region where neither the row nor the plan says one.
const DEFAULT_REGION: &str = "US";

/// What cleaning makes of a value.
///
/// `Debug` does not show the value: it is personal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cleaned<'a> {
    /// Fit to leave, never empty.
    Value(&'a str),
    /// There is none.
    Missing,
    /// There is one, and it breaks the rule.
    Invalid,
}

impl fmt::Debug for Cleaned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value(..)",
            Self::Missing => "Missing",
            Self::Invalid => "Invalid",
        })
    }
}

/// A rule with all it looks at but the row itself.
#[derive(Debug, Clone)]
pub struct Cleaner {
    normalisation: Normalisation,
    prehashed: Prehashed,
    /// ISO 3166 alpha-2, upper case; `None` where the default region is not in the standard.
    default_country: Option<&'static str>,
    default_region: Option<Region>,
    strict: bool,
    this_year: i32,
}

impl Cleaner {
    /// The rule of a cleaned column. `region` is what a [`CleanedColumn`](consign_model::plan::CleanedColumn) has; its
    /// column is read by the caller and comes as `country`. `this_year` ends the years of birth.
    pub fn new(
        normalisation: Normalisation,
        prehashed: Prehashed,
        region: Option<&RegionRule>,
        this_year: i32,
    ) -> Self {
        let default_region = region.map_or(DEFAULT_REGION, |region| region.default_region.as_str());
        Self {
            normalisation,
            prehashed,
            default_country: country::alpha2(default_region),
            default_region: Region::from_code(default_region).ok(),
            strict: region.is_some_and(|region| region.strict),
            this_year,
        }
    }

    /// One value cleaned. `country` is the row's as it stands in its column; one that the COUNTRY rule cannot read
    /// counts as none. The result borrows the raw value where that is clean already, else `scratch`, whose content
    /// does not matter.
    pub fn value<'a>(&self, raw: &'a str, country: Option<&str>, scratch: &'a mut String) -> Cleaned<'a> {
        let country = country.filter(|_| self.looks_at_country()).and_then(country::alpha2);
        self.clean(raw, country, scratch)
    }

    /// A column cleaned: null is missing, the empty text is invalid. `countries` are the rows' countries, as many.
    pub fn column(&self, values: &StringViewArray, countries: Option<&StringViewArray>) -> StringViewArray {
        let countries = countries.filter(|_| self.looks_at_country());
        if let Some(countries) = countries {
            assert_eq!(values.len(), countries.len(), "each value has a row, and so a country or a null");
        }
        let mut cleaned = StringViewBuilder::with_capacity(values.len());
        let mut scratch = String::new();
        // Rows of one country often stand together, and many lists have one country alone.
        let mut last: (&str, Option<&'static str>) = ("", None);
        for row in 0..values.len() {
            if values.is_null(row) {
                cleaned.append_null();
                continue;
            }
            let country = countries.filter(|countries| countries.is_valid(row)).and_then(|countries| {
                let raw = countries.value(row);
                if raw != last.0 {
                    last = (raw, country::alpha2(raw));
                }
                last.1
            });
            match self.clean(values.value(row), country, &mut scratch) {
                Cleaned::Value(value) => cleaned.append_value(value),
                Cleaned::Missing => cleaned.append_null(),
                Cleaned::Invalid => cleaned.append_value(""),
            }
        }
        cleaned.finish()
    }

    fn looks_at_country(&self) -> bool {
        use Normalisation as N;
        matches!(self.normalisation, N::Phone | N::PhoneDigits | N::State | N::PostalCode)
    }

    fn clean<'a>(&self, raw: &'a str, country: Option<&'static str>, scratch: &'a mut String) -> Cleaned<'a> {
        use Normalisation as N;
        if self.is_prehashed(raw) {
            return if self.is_a_part() { Cleaned::Missing } else { text::lower_ascii(text::trim(raw), scratch) };
        }
        match self.normalisation {
            N::None if raw.is_empty() => Cleaned::Missing,
            N::None => Cleaned::Value(raw),
            N::Text => text::clean(raw, None, scratch),
            N::TextUpTo(longest) => text::clean(raw, Some(usize::from(longest)), scratch),
            N::Email => email::clean(raw, EmailRule::Plain, scratch),
            N::EmailWithoutSpace => email::clean(raw, EmailRule::WithoutSpace, scratch),
            N::EmailStripAlias => email::clean(raw, EmailRule::StripAlias, scratch),
            N::Phone | N::PhoneDigits => {
                let region = country.map_or(self.default_region, |country| Region::from_code(country).ok());
                let rule = PhoneRule { region, strict: self.strict, plus: self.normalisation == N::Phone };
                phone::clean(raw, rule, scratch)
            }
            N::PersonName => person::name(raw, scratch),
            N::FirstInitial => person::initial(raw, scratch),
            N::Gender => person::gender(raw),
            N::State => place::state(raw, country.or(self.default_country), scratch),
            N::City => place::city(raw, scratch),
            N::PostalCode => place::postal_code(raw, country, self.default_country, scratch),
            N::Country => country::clean(raw, scratch),
            N::Birthdate => date::clean(raw, date::Part::Whole, self.this_year, scratch),
            N::BirthYear => date::clean(raw, date::Part::Year, self.this_year, scratch),
            N::BirthMonth => date::clean(raw, date::Part::Month, self.this_year, scratch),
            N::BirthDay => date::clean(raw, date::Part::Day, self.this_year, scratch),
            N::MobileAdId => device::clean(raw, scratch),
            N::Latitude => coordinate::clean(raw, 90.0, scratch),
            N::Longitude => coordinate::clean(raw, 180.0, scratch),
        }
    }

    fn is_prehashed(&self, raw: &str) -> bool {
        // Most values are too short to be one: looked at before they are trimmed.
        match self.prehashed {
            Prehashed::No => false,
            Prehashed::Sha256 => raw.len() >= hash::SHA256_HEX && hash::is_hex(text::trim(raw), hash::SHA256_HEX),
            Prehashed::Sha256OrMd5 => {
                let raw = if raw.len() >= hash::MD5_HEX { text::trim(raw) } else { "" };
                hash::is_hex(raw, hash::SHA256_HEX) || hash::is_hex(raw, hash::MD5_HEX)
            }
        }
    }

    /// Whether the rule takes a part of the value: no part can be taken of a hash.
    fn is_a_part(&self) -> bool {
        use Normalisation as N;
        matches!(self.normalisation, N::FirstInitial | N::BirthYear | N::BirthMonth | N::BirthDay)
    }
}
