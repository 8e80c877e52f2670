//! The staging contracts that come with the program.

use consign_destinations::contract::{read_shipped, rules};
use consign_destinations::registry::Registry;
use consign_model::document::Reading;
use consign_model::spec::{Hash, Kinds, Normalisation, Requirement};
use consign_model::validate::validate_without_catalog;
use insta::assert_snapshot;

use crate::workspace::{complete, definitions, problems};

#[test]
fn the_shipped_contracts_are_well_formed() {
    let reading = read_shipped();
    assert!(reading.problems.is_empty(), "{:#?}", reading.problems);
    let found = validate_without_catalog(&reading.definitions, &Registry::new());
    let wrong: Vec<_> = found.iter().filter(|found| found.path.to_string().starts_with("contracts")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let ids: Vec<&str> = reading.definitions.contracts.iter().map(|contract| contract.id.as_str()).collect();
    assert_eq!(ids, ["attentive_sftp", "email_list", "klaviyo_sftp"]);
    assert_eq!(Registry::new().contracts().len(), 3);
}

/// Definitions of a folder that must meet a contract.
fn under(contract: &str, attributes: &[(&str, &str)]) -> Reading {
    definitions("local_files", &format!("{}, contract: {contract}", complete("local_files")), attributes)
}

#[test]
fn a_file_destination_is_checked_by_its_contract() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("email_list", &[]),
        ("email_list", &[("first_name", "given_name")]),
        ("email_list", &[("email", "email"), ("anything", "note")]),
        ("klaviyo_sftp", &[]),
        ("klaviyo_sftp", &[("First Name", "given_name")]),
        ("attentive_sftp", &[]),
        ("attentive_sftp", &[("phone", "phone"), ("segment", "note")]),
        ("attentive_sftp", &[("phone", "phone"), ("email", "email"), ("segment", "note")]),
        ("attentive_sftp", &[("phone", "phone"), ("segment", "note"), ("name", "surname")]),
        ("email_lst", &[("email", "email")]),
    ];
    let lines = cases.iter().map(|(contract, attributes)| {
        let names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
        let found = problems(&under(contract, attributes));
        let found = if found.is_empty() { "clean".to_owned() } else { found.join("\n  ") };
        format!("{contract}: {}\n  {found}\n", names.join(", "))
    });
    assert_snapshot!(lines.collect::<String>());
}

#[test]
fn a_column_of_a_contract_is_cleaned_and_hashed_as_it_says() {
    let text = "contracts:
  - id: ads
    name: Ads
    columns:
      - { name: email_sha256, required: true, format: email, sha256: true }
      - { name: country, format: country }
    row: [[email_sha256]]
";
    let reading = consign_model::document::read(&[("contract.yaml".into(), text.into())]);
    assert!(reading.problems.is_empty(), "{:#?}", reading.problems);
    let rules = rules(&reading.definitions.contracts[0]);
    let email = rules.attribute("email_sha256").expect("it is a column");
    assert_eq!((email.normalisation, email.hash), (Normalisation::Email, Hash::Sha256));
    assert_eq!(email.requirement, Requirement::Required);
    assert_eq!(rules.attribute("country").expect("it is a column").hash, Hash::None);
}
