//! `klaviyo.md`, section 7.

use consign_model::spec::Normalisation;

use crate::{INVALID, check, check_in};

#[test]
fn emails_are_cleaned_as_klaviyo_asks() {
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
                "mary@example.com",
                "mary@example.com",
                "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
            ),
            ("user name@example.com", INVALID, ""),
            ("no-at-sign.example.com", INVALID, ""),
            ("a..b@example.com", INVALID, ""),
            ("jane@localhost", INVALID, ""),
        ],
    );
}

#[test]
fn phones_are_cleaned_as_klaviyo_asks() {
    check_in(
        Normalisation::Phone,
        &[
            (
                "(206) 555-0100",
                "US",
                None,
                "+12065550100",
                "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f",
            ),
            (
                "+1 206.555.0100",
                "US",
                None,
                "+12065550100",
                "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f",
            ),
            (
                "1-206-555-0100",
                "US",
                None,
                "+12065550100",
                "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f",
            ),
            (
                "２０６-５５５-０１００",
                "US",
                None,
                "+12065550100",
                "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f",
            ),
            (
                "206-555-0100 x123",
                "US",
                None,
                "+12065550100",
                "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f",
            ),
            (
                "020 7946 0018",
                "GB",
                None,
                "+442079460018",
                "faad3b10918e39b5f4d5334f1e1e128719608e8bd3ad3b963dc30187b4518e23",
            ),
            (
                "+44 (0)20 7946 0018",
                "GB",
                None,
                "+442079460018",
                "faad3b10918e39b5f4d5334f1e1e128719608e8bd3ad3b963dc30187b4518e23",
            ),
            (
                "0044 20 7946 0018",
                "GB",
                None,
                "+442079460018",
                "faad3b10918e39b5f4d5334f1e1e128719608e8bd3ad3b963dc30187b4518e23",
            ),
            (
                "011 44 20 7946 0018",
                "US",
                None,
                "+442079460018",
                "faad3b10918e39b5f4d5334f1e1e128719608e8bd3ad3b963dc30187b4518e23",
            ),
            (
                "06 12 34 56 78",
                "FR",
                None,
                "+33612345678",
                "42d573cfc315801d4cd8eddd5416b416a0bf298b9b9e12d6b07442c91db42bd8",
            ),
            (
                "0151 23456789",
                "DE",
                None,
                "+4915123456789",
                "663a4322addcdcc2be9435bfd2505066dc1048b89d33e48f363119f18bdd71e8",
            ),
            (
                "06 698 83712",
                "IT",
                None,
                "+390669883712",
                "a79fb112310ee3e70928dfc4aa241cf9ab2e416a59e00b984f3a12e4bf616f11",
            ),
            (
                "0412 345 678",
                "AU",
                None,
                "+61412345678",
                "bc65da54a3ddbacfdc93a0400f0a2d78e41c2180c8255015e9616facfe56f58a",
            ),
            ("555-0100", "US", None, INVALID, ""),
            ("0000000000", "US", None, INVALID, ""),
        ],
    );
}

#[test]
fn a_postal_code_keeps_its_zero() {
    check(Normalisation::Text, &[(" 02139 ", "02139", "")]);
}
