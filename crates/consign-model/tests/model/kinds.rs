//! Kinds of destinations that have every sort of rule between them.

use consign_model::contract::{Contract, ContractFormat};
use consign_model::definition::{AttributeMapping, Destination, Membership};
use consign_model::spec::{
    AttributeSpec, CustomAttributes, Hash, KindSpec, Kinds, Limits, ListSpec, MappingRule, Normalisation, Requirement,
    Rules, SettingProblem, SettingSpec, SettingType, Settings, UniqueBy,
};
use serde_json::Value;

/// A mailer with settings and attributes of one's own, a texter of one identifier, ads with strict and hashed names,
/// and a folder of files.
pub struct TestKinds {
    specs: Vec<KindSpec>,
}

fn setting(name: &'static str, setting_type: SettingType) -> SettingSpec {
    SettingSpec { name, setting_type, required: false, secret: false, default: None, description: "What it is." }
}

fn spec(kind: &'static str, title: &'static str, rules: Rules) -> KindSpec {
    KindSpec {
        kind,
        title,
        description: "",
        settings: Vec::new(),
        list: ListSpec {
            noun: "list",
            name_template: "{{ campaign_name }}_{{ group_name }}",
            max_name: None,
            name_without_white_space: false,
            name_should_not_contain: None,
            min_useful_rows: None,
        },
        rules,
        memberships: vec![Membership::Mirror, Membership::Append],
        limits: Limits::default(),
        writes_files: false,
        unverified: Vec::new(),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn mailer() -> KindSpec {
    let rules = Rules {
        attributes: vec![
            AttributeSpec::new("email", Normalisation::Email).requirement(Requirement::Required).semantic("email"),
            AttributeSpec::new("phone", Normalisation::Phone).semantic("phone"),
            AttributeSpec::new("first_name", Normalisation::Text).semantic("given-name"),
        ],
        custom: CustomAttributes::WithPrefix("properties."),
        row: vec![names(&["email"])],
        unique_by: UniqueBy::Attributes(names(&["email"])),
        summary: "The mailer takes an email".into(),
        ..Rules::default()
    };
    let mut spec = spec("mailer", "Mailer", rules);
    spec.list.max_name = Some(60);
    spec.list.name_should_not_contain = Some("treatment");
    spec.settings = vec![
        SettingSpec { required: true, secret: true, ..setting("api_key", SettingType::Text) },
        SettingSpec { required: true, ..setting("account", SettingType::Digits) },
        SettingSpec { default: Some(Value::from("US")), ..setting("default_region", SettingType::Region) },
        setting("region_column", SettingType::Column),
        setting("phone_validation", SettingType::Choice(&["possible", "strict"])),
        setting("id_types", SettingType::Choices(&["EMAIL", "PHONE"])),
        setting("batch_size", SettingType::Integer { min: 1, max: 10_000 }),
        setting("update", SettingType::Boolean),
        setting("base_url", SettingType::Url),
    ];
    spec
}

fn texter() -> KindSpec {
    let rules = Rules {
        attributes: vec![
            AttributeSpec::new("phone", Normalisation::Phone).requirement(Requirement::OneOf).semantic("phone"),
            AttributeSpec::new("email", Normalisation::Email).requirement(Requirement::OneOf).semantic("email"),
        ],
        mapping: vec![MappingRule::ExactlyOneOf(names(&["phone", "email"]))],
        row: vec![names(&["phone"]), names(&["email"])],
        ..Rules::default()
    };
    let mut spec = spec("texter", "Texter", rules);
    spec.list.name_template = "{{ campaign_name }}{{ group_name }}";
    spec.list.name_without_white_space = true;
    spec
}

fn ads() -> KindSpec {
    let hashed = |name: &str, normalisation, semantic: &str| {
        AttributeSpec::new(name, normalisation).hash(Hash::Sha256).semantic(semantic)
    };
    let part = |name: &str, normalisation| AttributeSpec::new(name, normalisation).hash(Hash::Sha256);
    let rules = Rules {
        attributes: vec![
            AttributeSpec::new("EXTERN_ID", Normalisation::Text).customer_key(),
            hashed("EMAIL", Normalisation::Email, "email"),
            hashed("PHONE", Normalisation::PhoneDigits, "phone"),
            hashed("ZIP", Normalisation::PostalCode, "postal"),
            hashed("BIRTH", Normalisation::Birthdate, "birthdate")
                .sent_as(vec![part("DOBY", Normalisation::BirthYear), part("DOBM", Normalisation::BirthMonth)]),
        ],
        mapping: vec![
            MappingRule::AllOf(names(&["EXTERN_ID"])),
            MappingRule::AnyOf(names(&["EMAIL", "PHONE"])),
            MappingRule::Not("DOBY".into(), "it is made from `BIRTH`".into()),
        ],
        row: vec![names(&["EMAIL"]), names(&["PHONE"])],
        unique_by: UniqueBy::WholeRow,
        ..Rules::default()
    };
    spec("ads", "Ads", rules)
}

fn folder() -> KindSpec {
    let mut spec = spec("folder", "Folder", Rules { custom: CustomAttributes::Any, ..Rules::default() });
    spec.list.noun = "file";
    spec.memberships = Vec::new();
    spec.writes_files = true;
    spec
}

impl TestKinds {
    pub fn new() -> Self {
        Self { specs: vec![mailer(), texter(), ads(), folder()] }
    }
}

impl Kinds for TestKinds {
    fn specs(&self) -> Vec<&KindSpec> {
        self.specs.iter().collect()
    }

    fn rules(&self, kind: &str, _: &Settings, _: &[AttributeMapping]) -> Option<Rules> {
        self.spec(kind).map(|spec| spec.rules.clone())
    }

    fn contracts(&self) -> Vec<&Contract> {
        Vec::new()
    }

    fn contract_rules(&self, contract: &Contract) -> Rules {
        let attributes = contract.columns.iter().map(|column| {
            let normalisation = match column.format {
                ContractFormat::Email => Normalisation::Email,
                _ => Normalisation::Text,
            };
            let requirement = if column.required { Requirement::Required } else { Requirement::Optional };
            let spec = AttributeSpec::new(&column.name, normalisation).requirement(requirement);
            match &column.semantic {
                Some(semantic) => spec.semantic(semantic),
                None => spec,
            }
        });
        Rules {
            attributes: attributes.collect(),
            custom: if contract.other_columns { CustomAttributes::Any } else { CustomAttributes::Forbidden },
            row: contract.row.clone(),
            unique_by: UniqueBy::Attributes(contract.unique_by.clone()),
            ..Rules::default()
        }
    }

    fn check(&self, destination: &Destination) -> Vec<SettingProblem> {
        let odd = destination.settings.contains_key("update") && destination.settings.contains_key("batch_size");
        let problem = || SettingProblem {
            setting: "batch_size",
            reason: "`batch_size` and `update` exclude each other".into(),
            remedy: "remove one of them".into(),
        };
        odd.then(problem).into_iter().collect()
    }
}
