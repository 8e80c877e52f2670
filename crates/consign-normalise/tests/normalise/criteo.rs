//! `criteo.md`, section 7, and its hashes that pass.

use consign_model::plan::Prehashed;
use consign_model::spec::{Hash, Normalisation};
use consign_normalise::Cleaner;

use crate::{INVALID, THIS_YEAR, check, shown};

#[test]
fn emails_are_cleaned_as_criteo_asks() {
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
                "John.Doe@gmail.com",
                "john.doe@gmail.com",
                "375320dd9ae7ed408002f3768e16cb5f28c861062fd50dff9a3bff62e9dce4ef",
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
                "İPEK@example.com",
                "i\u{307}pek@example.com",
                "6182afdc2043b443215baea80e61a943f11d6fc4dc61e1c5834aae320fb8c91f",
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
            ("a..b@example.com", INVALID, ""),
            ("jane@localhost", INVALID, ""),
        ],
    );
}

#[test]
fn hashes_of_either_length_pass_in_plain_mode_and_sha256_alone_where_we_hash() {
    let md5 = "e13743a7f1db7f4246badd6fd6ff54ff";
    let sha256 = "000e3171a5110c35c69d060112bd0ba55d9631c7c2ec93f1840e4570095b263a";
    let clean = |hash: Hash, raw: &str| {
        let cleaner = Cleaner::new(Normalisation::Email, Prehashed::from(hash), None, THIS_YEAR);
        shown(cleaner.value(raw, None, &mut String::new()))
    };
    for hash in [md5, sha256] {
        assert_eq!(clean(Hash::NoneOrPrehashed, hash), hash);
        assert_eq!(clean(Hash::NoneOrPrehashed, &format!(" {} ", hash.to_uppercase())), hash);
        assert_eq!(clean(Hash::None, hash), INVALID);
    }
    assert_eq!(clean(Hash::Sha256, md5), INVALID);
    assert_eq!(clean(Hash::Sha256, &sha256.to_uppercase()), sha256);
    assert_eq!(clean(Hash::NoneOrPrehashed, &sha256[1..]), INVALID);
    assert_eq!(clean(Hash::NoneOrPrehashed, "g13743a7f1db7f4246badd6fd6ff54ff"), INVALID);
    assert_eq!(clean(Hash::NoneOrPrehashed, "Jane@Example.com"), "jane@example.com");
}

#[test]
fn the_md5_of_an_email_hashed_again_is_the_example_that_criteo_publishes() {
    crate::check_hash(
        "e13743a7f1db7f4246badd6fd6ff54ff",
        "000e3171a5110c35c69d060112bd0ba55d9631c7c2ec93f1840e4570095b263a",
    );
}
