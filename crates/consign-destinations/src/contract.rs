//! Staging contracts: what they demand, in the words of the kinds, and those that come with the program.

use consign_model::contract::{Contract, ContractColumn, ContractFormat};
use consign_model::document::{Reading, read};
use consign_model::spec::{
    AttributeSpec, CustomAttributes, Hash, MappingRule, Normalisation, Requirement, Rules, UniqueBy, ValueType,
};

/// The files of the contracts that come with the program, by name.
const SHIPPED: [(&str, &str); 3] = [
    ("attentive_sftp.yaml", include_str!("../contracts/attentive_sftp.yaml")),
    ("email_list.yaml", include_str!("../contracts/email_list.yaml")),
    ("klaviyo_sftp.yaml", include_str!("../contracts/klaviyo_sftp.yaml")),
];

/// What those files say, with whatever is wrong with them: nothing, which a test ascertains.
pub fn read_shipped() -> Reading {
    read(&SHIPPED.map(|(name, text)| (name.to_owned(), text.to_owned())))
}

/// The contracts that come with the program.
pub fn shipped() -> Vec<Contract> {
    read_shipped().definitions.contracts
}

/// What a contract demands, so that the code that checks a kind checks it too.
pub fn rules(contract: &Contract) -> Rules {
    let mut mapping = Vec::new();
    let required: Vec<_> = contract.columns.iter().filter(|c| c.required).map(|c| c.name.clone()).collect();
    if !required.is_empty() {
        mapping.push(MappingRule::AllOf(required));
    }
    if !contract.exactly_one_of.is_empty() {
        mapping.push(MappingRule::ExactlyOneOf(contract.exactly_one_of.clone()));
    }
    Rules {
        attributes: contract.columns.iter().map(|column| attribute(contract, column)).collect(),
        custom: if contract.other_columns { CustomAttributes::Any } else { CustomAttributes::Forbidden },
        mapping,
        row: contract.row.clone(),
        unique_by: match contract.unique_by.as_slice() {
            [] => UniqueBy::Nothing,
            columns => UniqueBy::Attributes(columns.to_vec()),
        },
        summary: contract.description.clone(),
    }
}

fn attribute(contract: &Contract, column: &ContractColumn) -> AttributeSpec {
    let requirement = if column.required {
        Requirement::Required
    } else if contract.exactly_one_of.contains(&column.name) {
        Requirement::OneOf
    } else {
        Requirement::Optional
    };
    let (normalisation, value, description) = format(column.format);
    let spec = AttributeSpec::new(&column.name, normalisation)
        .requirement(requirement)
        .value(value)
        .hash(if column.sha256 { Hash::Sha256 } else { Hash::None })
        .describe(description);
    match &column.semantic {
        Some(semantic) => spec.semantic(semantic),
        None => spec,
    }
}

fn format(format: ContractFormat) -> (Normalisation, ValueType, &'static str) {
    match format {
        ContractFormat::Text => (Normalisation::Text, ValueType::Text, "Trimmed text"),
        ContractFormat::Any => (Normalisation::None, ValueType::Any, "As the column has it"),
        ContractFormat::Email => (Normalisation::Email, ValueType::Text, "An e-mail address, lower case"),
        ContractFormat::Phone => (Normalisation::Phone, ValueType::Text, "A phone number, E.164 with `+`"),
        ContractFormat::PhoneDigits => {
            (Normalisation::PhoneDigits, ValueType::Text, "A phone number with its country code, digits only")
        }
        ContractFormat::Country => (Normalisation::Country, ValueType::Text, "A country, ISO 3166 alpha-2, lower case"),
        ContractFormat::Date => (Normalisation::Birthdate, ValueType::Date, "A date, `YYYY-MM-DD`"),
    }
}
