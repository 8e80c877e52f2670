//! `meta_ads.md`, section 7. What its tables call missing of e-mail and phone is invalid here: either way nothing is
//! sent, and the reject says which it was.

use consign_model::spec::Normalisation;

use crate::{INVALID, InRegion, MISSING, check, check_in};

#[test]
fn emails_are_cleaned_as_meta_asks() {
    check(
        Normalisation::Email,
        &[
            (
                "  Jane.Doe@Example.COM ",
                "jane.doe@example.com",
                "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d",
            ),
            (
                "JOHN.DOE+promo@example.com",
                "john.doe+promo@example.com",
                "61355ba9fb44067b7d6a10e66925bbab40043ac739818f9f36c02bf178b80d30",
            ),
            (
                "mary@example.com",
                "mary@example.com",
                "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
            ),
            (
                "E\u{301}milie.Dupont@exemple.fr",
                "émilie.dupont@exemple.fr",
                "6675d1e92a9ed6af190fa6b61da515493cf907f081b1e23ca9840ddc5ab0fac9",
            ),
            (
                "Müller@Straße.de",
                "müller@straße.de",
                "1de9b99fe6b4d9002893415b5512471423a46c1b4334f33eae5c3f54c19cf102",
            ),
            (
                "\u{a0}o'brien@example.ie\u{200b}",
                "o'brien@example.ie",
                "e26868db901d80db302fd874cb1ec46b84bff238584179ec598ce23f423e91b3",
            ),
            (
                "İPEK@example.com",
                "i\u{307}pek@example.com",
                "6182afdc2043b443215baea80e61a943f11d6fc4dc61e1c5834aae320fb8c91f",
            ),
            ("a..b@example.com", INVALID, ""),
            ("jane@localhost", INVALID, ""),
            ("user name@example.com", INVALID, ""),
        ],
    );
}

const PHONES: &[InRegion] = &[
    ("(206) 555-0100", "US", None, "12065550100", "0000fd214ade3cd6a790d9a949f519b17b7c993625dd4782e14166523c66d415"),
    ("+1 206.555.0100", "US", None, "12065550100", "0000fd214ade3cd6a790d9a949f519b17b7c993625dd4782e14166523c66d415"),
    ("1-206-555-0100", "US", None, "12065550100", "0000fd214ade3cd6a790d9a949f519b17b7c993625dd4782e14166523c66d415"),
    (
        "２０６-５５５-０１００",
        "US",
        None,
        "12065550100",
        "0000fd214ade3cd6a790d9a949f519b17b7c993625dd4782e14166523c66d415",
    ),
    (
        "206-555-0100 x123",
        "US",
        None,
        "12065550100",
        "0000fd214ade3cd6a790d9a949f519b17b7c993625dd4782e14166523c66d415",
    ),
    ("+16577770000", "FR", None, "16577770000", "8d7bdaaf75196f351d22942fc0dd79304ffabc3eaf3339460ef9da0773e3aec2"),
    ("020 7946 0018", "GB", None, "442079460018", "99a4599795d24445a5be21117f375c1bbe9e795daf7f62666686ce081e1f32dc"),
    (
        "+44 (0)20 7946 0018",
        "GB",
        None,
        "442079460018",
        "99a4599795d24445a5be21117f375c1bbe9e795daf7f62666686ce081e1f32dc",
    ),
    (
        "0044 20 7946 0018",
        "GB",
        None,
        "442079460018",
        "99a4599795d24445a5be21117f375c1bbe9e795daf7f62666686ce081e1f32dc",
    ),
    (
        "0044 20 7946 0018",
        "US",
        None,
        "442079460018",
        "99a4599795d24445a5be21117f375c1bbe9e795daf7f62666686ce081e1f32dc",
    ),
    (
        "+0044 20 7946 0018",
        "US",
        None,
        "442079460018",
        "99a4599795d24445a5be21117f375c1bbe9e795daf7f62666686ce081e1f32dc",
    ),
    (
        "8448309211",
        "US",
        Some("IN"),
        "918448309211",
        "7f0740ec0a69b57b59c37ba0c76f3bcdda3a8d580212f795bfb48cdf59ad462f",
    ),
    ("06 12 34 56 78", "FR", None, "33612345678", "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
    ("0151 23456789", "DE", None, "4915123456789", "c0f8f0bebbbac96451ee8d8def84a02ae9e34c877775437cb9d458328315afa7"),
    ("06 698 83712", "IT", None, "390669883712", "54f28c558b3735c80405c1057cf5647787a9775d5e732ccd58f80f7d547abd14"),
    ("0412 345 678", "AU", None, "61412345678", "222e24d90b23ba2af558a2891bfa399f19a7eb9f33df34a7d6809b97c5a97246"),
    ("1-800-FLOWERS", "US", None, "18003569377", "db6440f538278fe6d6f67bd7877659a1e5f176ccde650dbdcaddec097f1af152"),
    ("15559876543", "US", None, "15559876543", "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e"),
    ("555-0100", "US", None, INVALID, ""),
    ("0000000000", "US", None, INVALID, ""),
];

#[test]
fn phones_are_cleaned_as_meta_asks() {
    check_in(Normalisation::PhoneDigits, PHONES);
}

#[test]
fn names_are_cleaned_as_meta_asks() {
    check(
        Normalisation::PersonName,
        &[
            ("Mary", "mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
            ("  José ", "josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
            ("Jose\u{301}", "josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
            ("Jean-Luc", "jeanluc", "7fef38066db9900f992fa9926eea8cc648f44c2af50c4d511c415422196c8ef5"),
            ("O’Brien", "obrien", "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba"),
            ("O'Brien", "obrien", "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba"),
            ("Mary  Ann", "mary ann", "343b97011010c3549fe7fcd6c226ed9431ea37b0b77ed78f6300a0098925faf1"),
            ("Jörg", "jörg", "12c433a0914cf916178d99b922892cd3280438b675c139c3807325e8faee48e8"),
            ("Dr. Анна", "dr анна", "b5861f58a9c73aecf49069eb53e5022b4b0c52d88c2179f065616afa6ea9b8e7"),
            ("정", "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
            ("d'Arcy III", "darcy iii", "a94eda7e58d3684f9b40ac4d38466c5d03130bea80170992fe6615e7f7d71b66"),
            ("---", MISSING, ""),
        ],
    );
}

#[test]
fn the_first_initial_is_the_first_character_of_the_cleaned_name() {
    check(
        Normalisation::FirstInitial,
        &[
            ("Mary", "m", "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a"),
            ("Émile", "é", "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
            ("O’Brien", "o", "65c74c15a686187bb6bbf9958f494fc6b80068034a659a9ad44991b08c58f2d2"),
            ("정", "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        ],
    );
}

#[test]
fn cities_are_cleaned_as_meta_asks() {
    check(
        Normalisation::City,
        &[
            ("San Francisco", "sanfrancisco", "1a6bd4d9d79dc0a79b53795c70d3349fa9e38968a3fbefbfe8783efb1d2b6aac"),
            ("New York", "newyork", "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5"),
            ("São Paulo", "saopaulo", "8f7f2f7ccd3f2898cf4850905346e8fb333d00aac1c974f8f37326e068cf7b1e"),
            ("St. Louis", "stlouis", "8ba24bdf99947996f3000259be455de791b06fcc0e802ce05031030df1ee8ea3"),
            ("Winston-Salem", "winstonsalem", "9e54909cf7a66751ffbdfb4f79635e6d36de413d76f86c5ef42cb8b697662751"),
            ("München", "munchen", "8a3978d5bc1730b70a040917150b3d6e9a21d5ddfb173b98517ce29e43fcb360"),
            ("  London ", "london", "6089854c94ca5454b76be6752c562901a985f64c9a946f62976aeab593b83161"),
        ],
    );
}

#[test]
fn states_are_cleaned_as_meta_asks() {
    check_in(
        Normalisation::State,
        &[
            ("California", "US", Some("US"), "ca", "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
            ("CA", "US", Some("US"), "ca", "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
            ("ca", "US", Some("US"), "ca", "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
            ("New York", "US", Some("US"), "ny", "1b06e2003f8420d6fa42badd8f77ec0f706b976b7a48b13c567dc5a559681683"),
            ("newyork", "US", Some("US"), "ny", "1b06e2003f8420d6fa42badd8f77ec0f706b976b7a48b13c567dc5a559681683"),
            (
                "District of Columbia",
                "US",
                Some("US"),
                "dc",
                "abecdf3503635c0be9eca61cddf5b25c7f8380d5aae7d73d0f62e9a38c87b70d",
            ),
            ("Puerto Rico", "US", Some("US"), "pr", "0510eddd781102030eb8860671503a28e6a37f5346de429bdd47c0a37c77cc7d"),
            (
                "Nouvelle-Aquitaine",
                "US",
                Some("FR"),
                "nouvelleaquitaine",
                "478d0fe1f2409938f66f4031618a1a5626dd155a9469dde9455c7ec627d1c711",
            ),
            (
                "New South Wales",
                "US",
                Some("AU"),
                "newsouthwales",
                "96236847af45f93f09c6ba2627cdb8da07e395f009d0e42f782cffb119cc24da",
            ),
        ],
    );
}

#[test]
fn postal_codes_are_cleaned_as_meta_asks() {
    check_in(
        Normalisation::PostalCode,
        &[
            (
                "94305-1234",
                "US",
                Some("US"),
                "94305",
                "1336ffa791cc6c6fa51c8613fa3db49a48157100345cb4cb3259727a6ce5d527",
            ),
            (" 02139 ", "US", Some("US"), "02139", "37ee873de5c1aa94b4bd802ad204de983c221f35fc2c0c28259232eb329f36bf"),
            ("2139", "US", Some("US"), "02139", "37ee873de5c1aa94b4bd802ad204de983c221f35fc2c0c28259232eb329f36bf"),
            (
                "941051234",
                "US",
                Some("US"),
                "94105",
                "e73ac16e69f060ee98b0fda5f66f48c4648ee26950e9bab3a097389853fd859e",
            ),
            ("M1 1AE", "US", Some("GB"), "m11ae", "1dc694c2070e697769fb959b50671d76cafd430d8ca191fbdd0affcaea344ac5"),
            (
                "SW1A 1AA",
                "US",
                Some("GB"),
                "sw1a1aa",
                "830e1d4b9838bab1f5c2acdb23e0b502ff13a9832c4632e8d67a1d43d3b7f614",
            ),
            ("K1A 0B1", "US", Some("CA"), "k1a0b1", "3e8d74314dc02166b1ea8c7bd8c2357fb3f9898074395b8c57f8799848b4daa1"),
            ("SW1A 1AA", "US", None, "sw1a1aa", "830e1d4b9838bab1f5c2acdb23e0b502ff13a9832c4632e8d67a1d43d3b7f614"),
            ("75 008", "US", Some("FR"), "75008", "90ec8b854deaf7b1a4e042dd5560f41bb54c0c8bea490d467827c51fe710aede"),
        ],
    );
}

#[test]
fn countries_are_cleaned_as_meta_asks() {
    check(
        Normalisation::Country,
        &[
            ("US", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
            ("us", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
            ("U.S.", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
            ("USA", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
            ("United States", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
            ("GB", "gb", "0b407281768f0e833afef47ed464b6571d01ca4d53c12ce5c51d1462f4ad6677"),
            ("United Kingdom", "gb", "0b407281768f0e833afef47ed464b6571d01ca4d53c12ce5c51d1462f4ad6677"),
            ("DE", "de", "959a45d44e6fcf58361ed004681556fe50129f2109e817dec098c00c9e5d2578"),
            ("FR", "fr", "67ad8f41a7bb0a18c45f3efd8f6a32bdcd832bcf8f3f2eb44006c03d53076e18"),
            (" ca ", "ca", "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
            ("AUS", "au", "632cd2fea71dcde005af4e07f14b8bc1f68b63d9c1b373dc6048fb87e90af22b"),
            ("Narnia", MISSING, ""),
        ],
    );
}

#[test]
fn genders_are_cleaned_as_meta_asks() {
    check(
        Normalisation::Gender,
        &[
            ("F", "f", "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"),
            ("Female", "f", "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"),
            ("WOMAN", "f", "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"),
            ("m", "m", "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a"),
            ("Male", "m", "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a"),
            (" man ", "m", "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a"),
            ("nonbinary", MISSING, ""),
            ("U", MISSING, ""),
        ],
    );
}

#[test]
fn dates_of_birth_are_cleaned_as_meta_asks() {
    check(
        Normalisation::BirthYear,
        &[
            ("1987-03-09", "1987", "744b93f9950fc38dad705556931ea48193b99dcb191cc9bd77097f65fbe2f0b8"),
            ("12/31/1990", "1990", "a7be8e1fe282a37cd666e0632b17d933fa13f21addf4798fc0455bc166e2488c"),
        ],
    );
    check(
        Normalisation::BirthMonth,
        &[
            ("1987-03-09", "03", "0b8efa5a3bf104413a725c6ff0459a6be12b1fd33314cbb138745baf39504ae5"),
            ("12/31/1990", "12", "6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918"),
        ],
    );
    check(
        Normalisation::BirthDay,
        &[
            ("1987-03-09", "09", "3514acf61732f662da19625f7fe781c3e483f2dce8506012f3bb393f5003e105"),
            ("12/31/1990", "31", "eb1e33e8a81b697b75855af6bfcdbcbf7cbbde9f94962ceaec1ed8af21f5a50f"),
        ],
    );
    check(Normalisation::Birthdate, &[("1899-01-01", MISSING, ""), ("31/31/1990", MISSING, "")]);
}

#[test]
fn what_meta_takes_unhashed_is_cleaned_too() {
    check(Normalisation::Text, &[(" C-1001 ", "C-1001", "")]);
    check(
        Normalisation::MobileAdId,
        &[("AECE52E7-03EE-455A-B3C4-E57283966239", "aece52e7-03ee-455a-b3c4-e57283966239", "")],
    );
}
