//! `tiktok_ads.md`, section 7.

use consign_model::plan::Prehashed;
use consign_model::spec::Normalisation;
use consign_normalise::Cleaner;

use crate::{INVALID, InRegion, MISSING, THIS_YEAR, check, check_in, shown};

#[test]
fn emails_are_cleaned_as_tiktok_asks_today() {
    check(
        Normalisation::EmailWithoutSpace,
        &[
            (
                "  Jane.Doe@Example.COM ",
                "jane.doe@example.com",
                "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d",
            ),
            (
                "John.Doe+promo@example.com",
                "john.doe+promo@example.com",
                "61355ba9fb44067b7d6a10e66925bbab40043ac739818f9f36c02bf178b80d30",
            ),
            (
                "jane doe@gmail.com",
                "janedoe@gmail.com",
                "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69",
            ),
            (
                "J.A.N.E+x+y@sub.example.co.uk",
                "j.a.n.e+x+y@sub.example.co.uk",
                "b6e970e09a8558cbb4ec4b557bb43fe753032e53c344149c960a08e67712321c",
            ),
            (
                "émilie.Dupont+été@exemple.fr",
                "émilie.dupont+été@exemple.fr",
                "a40e5047c9a01ebfbe5794dd12e9974cf33ca1a3101cd9a85b2796c6b13a24a5",
            ),
            (
                "E\u{301}milie.Dupont@exemple.fr",
                "émilie.dupont@exemple.fr",
                "6675d1e92a9ed6af190fa6b61da515493cf907f081b1e23ca9840ddc5ab0fac9",
            ),
            (
                "mary@example.com",
                "mary@example.com",
                "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
            ),
            ("no-at-sign.example.com", INVALID, ""),
            ("a..b@example.com", INVALID, ""),
            ("jane@localhost", INVALID, ""),
        ],
    );
}

#[test]
fn emails_are_cleaned_as_tiktok_asked_once() {
    check(
        Normalisation::EmailStripAlias,
        &[
            (
                "  Jane.Doe@Example.COM ",
                "janedoe@example.com",
                "c4d25e9c90ff23e9145397bc6fbd5385ca5fbe78211222ccbecd0b369ebb19a6",
            ),
            (
                "John.Doe+promo@example.com",
                "johndoe@example.com",
                "55e79200c1635b37ad31a378c39feb12f120f116625093a19bc32fff15041149",
            ),
            (
                "jane doe@gmail.com",
                "janedoe@gmail.com",
                "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69",
            ),
            (
                "J.A.N.E+x+y@sub.example.co.uk",
                "jane@sub.example.co.uk",
                "e9d6b25f18bc0618a9001653af33c5049a47bb3043aadf11280c90199661f262",
            ),
            (
                "émilie.Dupont+été@exemple.fr",
                "émiliedupont@exemple.fr",
                "7c2455d52b44b5553bf9ee57b2777e0c75c9911cda91274ab9a465fffb963ace",
            ),
            (
                "mary@example.com",
                "mary@example.com",
                "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
            ),
            ("+tag@example.com", INVALID, ""),
        ],
    );
}

const PHONES: &[InRegion] = &[
    ("(206) 555-0100", "US", None, "+12065550100", "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f"),
    ("+1 206.555.0100", "US", None, "+12065550100", "b4fa1a0e9e520f7186de1a00b1b84abb55a5c7feab09e7c3b8059ca32a6abd4f"),
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
    ("+16577770000", "FR", None, "+16577770000", "a6e82c2f4091baff57a4f33d01efb65bfbeacbbfbcfaa9d0ff9f57d28d78fedb"),
    ("020 7946 0018", "GB", None, "+442079460018", "faad3b10918e39b5f4d5334f1e1e128719608e8bd3ad3b963dc30187b4518e23"),
    (
        "011 44 20 7946 0018",
        "US",
        None,
        "+442079460018",
        "faad3b10918e39b5f4d5334f1e1e128719608e8bd3ad3b963dc30187b4518e23",
    ),
    ("06 12 34 56 78", "FR", None, "+33612345678", "42d573cfc315801d4cd8eddd5416b416a0bf298b9b9e12d6b07442c91db42bd8"),
    ("0151 23456789", "DE", None, "+4915123456789", "663a4322addcdcc2be9435bfd2505066dc1048b89d33e48f363119f18bdd71e8"),
    ("06 698 83712", "IT", None, "+390669883712", "a79fb112310ee3e70928dfc4aa241cf9ab2e416a59e00b984f3a12e4bf616f11"),
    ("0412 345 678", "AU", None, "+61412345678", "bc65da54a3ddbacfdc93a0400f0a2d78e41c2180c8255015e9616facfe56f58a"),
    ("1-800-FLOWERS", "US", None, "+18003569377", "b7092830a46827b527d318de83143f775c6e79c3705294510f12c964302ceffd"),
    ("2064561234", "US", None, "+12064561234", "827c0d0bff22cc9ff838837b3caad7ea9a11cda66414a5a010ed692c9c99fc46"),
    ("12064561234", "US", None, "+12064561234", "827c0d0bff22cc9ff838837b3caad7ea9a11cda66414a5a010ed692c9c99fc46"),
    ("555-0100", "US", None, INVALID, ""),
    ("0000000000", "US", None, INVALID, ""),
];

#[test]
fn phones_are_cleaned_as_tiktok_asks() {
    check_in(Normalisation::Phone, PHONES);
}

#[test]
fn mobile_ad_ids_are_cleaned_as_tiktok_asks() {
    check(
        Normalisation::MobileAdId,
        &[
            (
                "5F3A2B18-9C4D-4E7F-B8E2-17D3A1E69B25",
                "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25",
                "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd",
            ),
            (
                "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25",
                "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25",
                "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd",
            ),
            (
                " AECE52E7-03EE-455A-B3C4-E57283966239 ",
                "aece52e7-03ee-455a-b3c4-e57283966239",
                "e6a11334660bb4c2d68090399aaf9d80b433a569b993c5e32e6cad9bcf550e11",
            ),
            (
                "6D92078A-8246-4BA4-AE5B-76104861E7DC",
                "6d92078a-8246-4ba4-ae5b-76104861e7dc",
                "31b806b4deec8c4cb1ffb18b9ab4ee1fa82a2b30e1f47902f04d03f5db023376",
            ),
            (
                "cdda802e-fb9c-47ad-9866-0794d394c912",
                "cdda802e-fb9c-47ad-9866-0794d394c912",
                "f23b554b2a8fb732a8b973733832e70f018da7bc294dfea289735a07d5dd2c9f",
            ),
            (
                "38400000-8cf0-11bd-b23e-10b96e40000d",
                "38400000-8cf0-11bd-b23e-10b96e40000d",
                "d4181bb455a74b3bc8b37c75ac9b2c702eb6b9930bd040b861403b31ca85634d",
            ),
            ("00000000-0000-0000-0000-000000000000", MISSING, ""),
            ("not-a-uuid", INVALID, ""),
        ],
    );
}

#[test]
fn a_hash_passes_in_lower_case() {
    let raw = "86E0B9E56C17CC4D12387E1949B85053FBE73BC3CE5A1188713A9D300CC6133D";
    for normalisation in [Normalisation::EmailWithoutSpace, Normalisation::Phone, Normalisation::MobileAdId] {
        let cleaner = Cleaner::new(normalisation, Prehashed::Sha256, None, THIS_YEAR);
        assert_eq!(shown(cleaner.value(raw, None, &mut String::new())), raw.to_lowercase());
    }
}
