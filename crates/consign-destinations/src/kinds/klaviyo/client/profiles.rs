//! Profiles by Klaviyo's ids of them: what removing and reading a list take.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::{ById, Clearing, ClientError, Member, MemberPage};
use crate::encode::{ListTarget, path_segment};
use crate::http::{Call, Reply, id_text};

use super::super::spec::{IDENTIFIERS, LOCATION, PROPERTIES};
use super::protocol::{LISTS, ONE_PROFILE, PROFILES};
use super::{KlaviyoClient, ids_body, members_call};

impl KlaviyoClient {
    /// The profiles of a page.
    fn profiles(&self, reply: &Reply) -> Result<Vec<Member>, ClientError> {
        let member = |profile: &Value| {
            let id = id_text(profile.get("id")).ok_or_else(|| self.platform.senseless("the id of a profile"))?;
            let value = |name: &&str| {
                let value = profile.pointer(&format!("/attributes/{name}"))?.as_str()?;
                Some(((*name).to_owned(), value.to_owned()))
            };
            let identifiers: BTreeMap<String, String> = IDENTIFIERS.iter().filter_map(value).collect();
            Ok(Member { id, identifiers })
        };
        reply.list("/data").iter().map(member).collect()
    }
}

#[async_trait]
impl ById for KlaviyoClient {
    fn most_ids(&self) -> usize {
        1_000
    }

    fn most_values(&self) -> usize {
        100
    }

    async fn find(&self, attribute: &str, values: &[String]) -> Result<Vec<Member>, ClientError> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        // JSON quotes as Klaviyo's filters do: a backslash before `"` and `\`.
        let filter = format!("any({attribute},{})", json!(values));
        let first = Call::get("/api/profiles").query("filter", filter).query("fields[profile]", attribute);
        let mut next = Some(first.query("page[size]", "100").group(PROFILES));
        let mut found = Vec::new();
        while let Some(call) = next {
            let reply = self.call(call).await?;
            found.extend(self.profiles(&reply)?);
            next = self.next(&reply, PROFILES)?;
        }
        Ok(found)
    }

    async fn members(&self, list: &ListTarget, from: Option<&str>) -> Result<MemberPage, ClientError> {
        let call = match from {
            Some(page) => Call::given(page.to_owned()),
            None => Call::get(format!("/api/lists/{}/profiles", path_segment(&list.id)))
                .query("fields[profile]", IDENTIFIERS.join(","))
                .query("page[size]", "100"),
        };
        let reply = self.call(call.group(LISTS)).await?;
        let next = self.next(&reply, LISTS)?.and_then(Call::into_given);
        Ok(MemberPage { members: self.profiles(&reply)?, next })
    }

    async fn remove(&self, list: &ListTarget, ids: &[String]) -> Result<(), ClientError> {
        self.call(members_call(Method::DELETE, &list.id).body(ids_body(ids))).await?;
        Ok(())
    }

    async fn add(&self, list: &ListTarget, ids: &[String]) -> Result<(), ClientError> {
        self.call(members_call(Method::POST, &list.id).body(ids_body(ids))).await?;
        Ok(())
    }
}

#[async_trait]
impl Clearing for KlaviyoClient {
    async fn clear(&self, identifier: (&str, &str), attributes: &[&str]) -> Result<(), ClientError> {
        let (mut own, mut location, mut unset) = (Map::new(), Map::new(), Vec::new());
        own.insert(identifier.0.to_owned(), identifier.1.into());
        for attribute in attributes.iter().filter(|attribute| !IDENTIFIERS.contains(attribute)) {
            if let Some(property) = attribute.strip_prefix(PROPERTIES) {
                unset.push(property);
            } else if let Some(part) = attribute.strip_prefix(LOCATION) {
                location.insert(part.to_owned(), Value::Null);
            } else {
                own.insert((*attribute).to_owned(), Value::Null);
            }
        }
        if !location.is_empty() {
            own.insert("location".to_owned(), location.into());
        }
        if own.len() == 1 && unset.is_empty() {
            return Ok(());
        }
        let mut profile = json!({"type": "profile", "attributes": own});
        if !unset.is_empty() {
            profile["meta"] = json!({"patch_properties": {"unset": unset}});
        }
        let body = json!({"data": profile}).to_string();
        self.call(Call::post("/api/profile-import", body).group(ONE_PROFILE)).await?;
        Ok(())
    }
}
