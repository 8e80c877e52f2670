//! The platforms, as the sandbox serves them, and what goes wrong at each in its own way.

use super::matrix::At;

/// A platform as the sandbox serves it.
pub struct Platform {
    pub kind: &'static str,
    /// The first part of its paths, and its name among the sandbox's.
    pub prefix: &'static str,
    /// The calls of [`At`]: making, adding, asking for a job, taking off.
    calls: [&'static str; 4],
    pub secret: &'static str,
    pub wrong: &'static str,
    /// A credential, or a setting, that may read and not write.
    pub unscoped: Given,
    /// A setting that names an account of others.
    pub stranger: Option<(&'static str, &'static str)>,
}

/// What is given to a platform in place of what is right.
pub enum Given {
    Secret(&'static str),
    Setting(&'static str, &'static str),
}

/// The five platforms, in the order shown.
pub const PLATFORMS: [Platform; 5] = [
    Platform {
        kind: "klaviyo",
        prefix: "klaviyo",
        calls: ["create", "import", "poll", "remove"],
        secret: "pk_sesame-of-klaviyo",
        wrong: "pk_wrong-sesame",
        unscoped: Given::Secret("pk_no_profiles_write-sesame"),
        stranger: None,
    },
    Platform {
        kind: "attentive",
        prefix: "attentive",
        calls: ["create", "add", "poll", "remove"],
        secret: "sesame-of-attentive",
        wrong: "wrong-sesame",
        unscoped: Given::Secret("no-segments-sesame"),
        stranger: None,
    },
    Platform {
        kind: "criteo",
        prefix: "criteo",
        calls: ["create", "amend", "", "amend"],
        secret: "sesame-of-criteo",
        wrong: "wrong-sesame",
        unscoped: Given::Setting("client_id", "read-only-123456"),
        stranger: Some(("advertiser_id", "999")),
    },
    Platform {
        kind: "tiktok_ads",
        prefix: "tiktok",
        calls: ["create", "mapping", "", "mapping"],
        secret: "sesame-of-tiktok",
        wrong: "wrong-sesame",
        unscoped: Given::Secret("analyst-sesame"),
        stranger: Some(("advertiser_id", "9999000000000000123")),
    },
    Platform {
        kind: "meta_ads",
        prefix: "meta",
        calls: ["create", "add", "", "replace"],
        secret: "sesame-of-meta",
        wrong: "wrong-sesame",
        unscoped: Given::Secret("no-management-sesame"),
        stranger: Some(("ad_account_id", "404000000000123")),
    },
];

impl Platform {
    /// A fault as the sandbox is told of it.
    pub fn fault(&self, at: At, when: &str, what: &str) -> String {
        // Where one call adds and takes off, the first run has made it once.
        let first = if self.call(at) == self.call(At::Add) { "2" } else { "1" };
        let when = if at == At::Remove { first } else { when };
        format!("{}:{}:{when}:{what}", self.prefix, self.call(at))
    }

    fn call(&self, at: At) -> &'static str {
        self.calls[match at {
            At::Create => 0,
            At::Add => 1,
            At::Poll => 2,
            At::Remove => 3,
        }]
    }
}
