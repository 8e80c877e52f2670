//! What the invented people's countries have: names, places, streets and telephone numbers that nobody has.

use crate::names::{
    AMERICAN_MEN, AMERICAN_SURNAMES, AMERICAN_WOMEN, BRITISH_MEN, BRITISH_SURNAMES, BRITISH_WOMEN, FRENCH_MEN,
    FRENCH_SURNAMES, FRENCH_WOMEN, GERMAN_MEN, GERMAN_SURNAMES, GERMAN_WOMEN, IRISH_MEN, IRISH_SURNAMES, IRISH_WOMEN,
};

/// A country of the invented people.
#[derive(Debug)]
pub(crate) struct Country {
    /// ISO 3166 alpha-2.
    pub(crate) code: &'static str,
    /// Other ways in which its people write it.
    pub(crate) other_names: &'static [&'static str],
    /// Its calling code.
    pub(crate) calling_code: &'static str,
    /// How many of 1,000 people live there.
    pub(crate) share: u32,
    pub(crate) women: &'static [&'static str],
    pub(crate) men: &'static [&'static str],
    pub(crate) surnames: &'static [&'static str],
    pub(crate) streets: &'static [&'static str],
    /// Whether the number of a house stands after the street.
    pub(crate) number_last: bool,
    pub(crate) places: &'static [Place],
    /// National telephone numbers set aside for fiction; each `#` is any digit.
    pub(crate) phones: &'static [&'static str],
}

/// A place of a country.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) city: &'static str,
    /// The state as people write it; empty where they write none.
    pub(crate) state: &'static str,
    /// Its postal codes; each `#` is any digit, each `@` a letter.
    pub(crate) postal: &'static str,
}

const fn place(city: &'static str, state: &'static str, postal: &'static str) -> Place {
    Place { city, state, postal }
}

/// The country of one of 1,000 people.
pub(crate) fn country(mut of_thousand: u32) -> &'static Country {
    for country in COUNTRIES {
        if of_thousand < country.share {
            return country;
        }
        of_thousand -= country.share;
    }
    &COUNTRIES[0]
}

/// The countries; their shares add up to 1,000.
pub(crate) const COUNTRIES: &[Country] = &[
    Country {
        code: "US",
        other_names: &["USA", "United States", "us", "U.S."],
        calling_code: "1",
        share: 560,
        women: AMERICAN_WOMEN,
        men: AMERICAN_MEN,
        surnames: AMERICAN_SURNAMES,
        streets: AMERICAN_STREETS,
        number_last: false,
        places: AMERICAN_PLACES,
        // Made from area codes, of which each has 555-0100 to 555-0199.
        phones: &[],
    },
    Country {
        code: "GB",
        other_names: &["UK", "United Kingdom", "GBR"],
        calling_code: "44",
        share: 120,
        women: BRITISH_WOMEN,
        men: BRITISH_MEN,
        surnames: BRITISH_SURNAMES,
        streets: BRITISH_STREETS,
        number_last: false,
        places: &[
            place("London", "", "SW# #@@"),
            place("Manchester", "", "M# #@@"),
            place("Leeds", "", "LS# #@@"),
            place("Glasgow", "", "G# #@@"),
            place("Bristol", "", "BS# #@@"),
            place("Newcastle upon Tyne", "", "NE# #@@"),
            place("St Andrews", "Fife", "KY# #@@"),
        ],
        // Ofcom: numbers for use in TV and radio drama.
        phones: &[
            "07700 900###",
            "020 7946 0###",
            "0113 496 0###",
            "0114 496 0###",
            "0115 496 0###",
            "0116 496 0###",
            "0117 496 0###",
            "0118 496 0###",
            "0121 496 0###",
            "0131 496 0###",
            "0141 496 0###",
            "0151 496 0###",
            "0161 496 0###",
            "0191 498 0###",
        ],
    },
    Country {
        code: "CA",
        other_names: &["Canada", "CAN"],
        calling_code: "1",
        share: 80,
        women: FRENCH_WOMEN,
        men: AMERICAN_MEN,
        surnames: FRENCH_SURNAMES,
        streets: AMERICAN_STREETS,
        number_last: false,
        places: &[
            place("Toronto", "ON", "M#@ #@#"),
            place("Montréal", "QC", "H#@ #@#"),
            place("Québec", "Québec", "G#@ #@#"),
            place("Vancouver", "BC", "V#@ #@#"),
            place("Calgary", "AB", "T#@ #@#"),
            place("Halifax", "NS", "B#@ #@#"),
        ],
        phones: &[],
    },
    Country {
        code: "DE",
        other_names: &["Germany", "DEU", "de"],
        calling_code: "49",
        share: 80,
        women: GERMAN_WOMEN,
        men: GERMAN_MEN,
        surnames: GERMAN_SURNAMES,
        streets: &["Hauptstraße", "Gartenweg", "Lindenallee", "Schloßstr.", "Am Mühlbach", "Bahnhofstraße"],
        number_last: true,
        places: &[
            place("Berlin", "", "10###"),
            place("Köln", "", "50###"),
            place("München", "Bayern", "80###"),
            place("Hamburg", "", "20###"),
            place("Frankfurt am Main", "Hessen", "60###"),
            place("Dresden", "Sachsen", "01###"),
        ],
        // Bundesnetzagentur: numbers for media productions.
        phones: &["030 23125 ###", "0221 4710 ###", "040 66969 ###", "069 90009 ###", "089 99998 ###"],
    },
    Country {
        code: "FR",
        other_names: &["France", "FRA"],
        calling_code: "33",
        share: 70,
        women: FRENCH_WOMEN,
        men: FRENCH_MEN,
        surnames: FRENCH_SURNAMES,
        streets: &[
            "rue de l'Église",
            "avenue Victor-Hugo",
            "place du Marché",
            "chemin des Écoliers",
            "quai de la Loire",
        ],
        number_last: false,
        places: &[
            place("Paris", "", "750##"),
            place("Lyon", "", "690##"),
            place("Marseille", "", "130##"),
            place("Saint-Étienne", "", "420##"),
            place("Besançon", "", "250##"),
            place("Bourg-en-Bresse", "", "010##"),
        ],
        // Arcep: numbers for audiovisual works.
        phones: &[
            "01 99 00 ## ##",
            "02 61 91 ## ##",
            "03 53 01 ## ##",
            "04 65 71 ## ##",
            "05 36 49 ## ##",
            "06 39 98 ## ##",
        ],
    },
    Country {
        code: "AU",
        other_names: &["Australia", "AUS"],
        calling_code: "61",
        share: 50,
        women: BRITISH_WOMEN,
        men: BRITISH_MEN,
        surnames: BRITISH_SURNAMES,
        streets: BRITISH_STREETS,
        number_last: false,
        places: &[
            place("Sydney", "NSW", "20##"),
            place("Melbourne", "VIC", "30##"),
            place("Brisbane", "QLD", "40##"),
            place("Darwin", "NT", "08##"),
            place("Hobart", "TAS", "70##"),
        ],
        // ACMA: numbers for use in creative works.
        phones: &["02 5550 ####", "03 5550 ####", "07 5550 ####", "08 5550 ####", "02 7010 ####", "03 7010 ####"],
    },
    Country {
        code: "IE",
        other_names: &["Ireland", "IRL"],
        calling_code: "353",
        share: 40,
        women: IRISH_WOMEN,
        men: IRISH_MEN,
        surnames: IRISH_SURNAMES,
        streets: BRITISH_STREETS,
        number_last: false,
        places: &[
            place("Dublin", "", "D0# @#@#"),
            place("Cork", "Co. Cork", "T1# @#@#"),
            place("Galway", "Co. Galway", "H91 @#@#"),
            place("Dún Laoghaire", "Co. Dublin", "A96 @#@#"),
        ],
        // ComReg: numbers for dramatic use.
        phones: &["020 91# ####"],
    },
];

const AMERICAN_STREETS: &[&str] = &[
    "Main St",
    "Oak Avenue",
    "Maple Drive",
    "2nd Street",
    "Cedar Ln.",
    "Martin Luther King Jr Blvd",
    "Park Pl",
    "Elm St",
    "Washington Ave",
    "Lake Shore Road",
    "Hillcrest Ct",
    "County Road 12",
];
const AMERICAN_PLACES: &[Place] = &[
    place("Boston", "MA", "021##"),
    place("New York", "NY", "100##"),
    place("Newark", "NJ", "071##"),
    place("Philadelphia", "PA", "191##"),
    place("Atlanta", "Georgia", "303##"),
    place("Miami", "FL", "331##"),
    place("Chicago", "IL", "606##"),
    place("St. Louis", "Missouri", "631##"),
    place("Houston", "TX", "770##-####"),
    place("Denver", "CO", "802##"),
    place("Phoenix", "AZ", "850##"),
    place("San José", "California", "951##"),
    place("Los Angeles", "CA", "900##-####"),
    place("Seattle", "WA", "981##"),
    place("Salt Lake City", "Utah", "841##"),
    place("Burlington", "VT", "054##"),
    place("Winston-Salem", "North Carolina", "271##"),
    place("Washington", "D.C.", "200##"),
];
const BRITISH_STREETS: &[&str] =
    &["High Street", "Station Road", "Church Lane", "The Green", "Queen's Road", "Victoria Terrace", "Mill Lane"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_the_countries_add_up() {
        assert_eq!(COUNTRIES.iter().map(|country| country.share).sum::<u32>(), 1_000);
        assert_eq!(country(0).code, "US");
        assert_eq!(country(560).code, "GB");
        assert_eq!(country(999).code, "IE");
    }
}
