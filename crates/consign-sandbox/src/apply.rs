//! How each event changes the world.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::event::{Event, Session};
use crate::members::Members;
use crate::platform::Platform;
use crate::world::{List, World};

impl World {
    /// Lets an event happen, without writing it down.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::ListMade { platform, account, id, name, details, at } => {
                let list = List {
                    account: account.clone(),
                    id: id.clone(),
                    name: name.clone(),
                    details: details.clone(),
                    created: *at,
                    updated: *at,
                    members: Members::default(),
                    profiles: BTreeSet::new(),
                };
                self.lists.insert((*platform, id.clone()), list);
            }
            Event::ListChanged { platform, id, name, details, at } => self.change(*platform, id, *at, |list| {
                if let Some(name) = name {
                    list.name.clone_from(name);
                }
                list.details.extend(details.clone());
            }),
            Event::ListGone { platform, id } => {
                self.lists.remove(&(*platform, id.clone()));
                self.sessions.retain(|(list, _), _| *platform != Platform::Meta || list != id);
            }
            Event::Added { platform, list, rows, at } => self.change(*platform, list, *at, |list| {
                for values in &rows.values {
                    list.members.add(*platform, &rows.columns, values);
                }
            }),
            Event::Removed { platform, list, rows, at } => self.change(*platform, list, *at, |list| {
                for values in &rows.values {
                    list.members.remove(*platform, &rows.columns, values);
                }
            }),
            Event::Cleared { platform, list, at } => {
                self.change(*platform, list, *at, |list| list.members = Members::default());
            }
            Event::RemovedEverywhere { account, rows, at } => {
                let lists = self.lists_of(Platform::Meta).into_iter().filter(|list| list.account == *account);
                let ids: Vec<String> = lists.map(|list| list.id.clone()).collect();
                for list in ids {
                    self.apply(&Event::Removed { platform: Platform::Meta, list, rows: rows.clone(), at: *at });
                }
            }
            Event::Profiles { changes, list, at } => {
                let numbers: Vec<u32> = changes.iter().map(|change| self.profiles.upsert(change)).collect();
                if let Some(list) = list {
                    self.change(Platform::Klaviyo, list, *at, |list| list.profiles.extend(numbers));
                }
            }
            Event::Joined { list, profiles, at } => {
                self.change(Platform::Klaviyo, list, *at, |list| list.profiles.extend(profiles));
            }
            Event::Left { list, profiles, at } => {
                self.change(Platform::Klaviyo, list, *at, |list| {
                    for number in profiles {
                        list.profiles.remove(number);
                    }
                });
            }
            Event::JobMade { job } => {
                self.jobs.insert(job.id.clone(), job.clone());
            }
            Event::JobDone { id } => self.finish(id),
            Event::SessionBatch { .. } => self.gather(event),
            Event::SessionTimedOut { list, session, at } => self.swap(list, session, *at, true),
            Event::Uploaded { upload } => {
                self.uploads.insert(upload.path.clone(), upload.clone());
            }
            Event::UploadUsed { path } => {
                self.uploads.remove(path);
            }
            Event::SessionKept { session } => {
                self.sessions.insert((session.list.clone(), session.id.clone()), session.clone());
            }
            Event::Numbered { made } => self.made = (*made).max(self.made),
        }
    }

    fn change(&mut self, platform: Platform, id: &str, at: DateTime<Utc>, change: impl FnOnce(&mut List)) {
        if let Some(list) = self.lists.get_mut(&(platform, id.to_owned())) {
            list.updated = at;
            change(list);
        }
    }

    fn finish(&mut self, id: &str) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.done {
            return;
        }
        job.done = true;
        let effect = if job.platform == Platform::Klaviyo { job.effect.take() } else { job.effect.clone() };
        if let (Some(effect), false) = (effect, job.fails) {
            self.apply(&effect);
        }
    }

    fn gather(&mut self, event: &Event) {
        let Event::SessionBatch { list, session, operation, seq, last, received, invalid, rows, at } = event else {
            return;
        };
        let held = self.sessions.entry((list.clone(), session.clone())).or_insert_with(|| Session {
            list: list.clone(),
            id: session.clone(),
            operation: operation.clone(),
            started: *at,
            columns: rows.columns.clone(),
            ..Session::default()
        });
        if held.seen.insert(*seq) {
            held.received += received;
            held.invalid += invalid;
        }
        if *last {
            held.last = Some(*seq);
        }
        let complete = held.last.is_some_and(|last| (1..=last).all(|seq| held.seen.contains(&seq)));
        match operation.as_str() {
            "replace" => {
                for values in &rows.values {
                    held.gathered.add(Platform::Meta, &rows.columns, values);
                }
                if complete {
                    self.swap(list, session, *at, false);
                }
            }
            operation => {
                if complete {
                    held.ended = Some(*at);
                }
                let (platform, list, rows, at) = (Platform::Meta, list.clone(), rows.clone(), *at);
                let event = if operation == "add" {
                    Event::Added { platform, list, rows, at }
                } else {
                    Event::Removed { platform, list, rows, at }
                };
                self.apply(&event);
            }
        }
    }

    /// Makes what a replace has gathered the content of the audience.
    fn swap(&mut self, list: &str, session: &str, at: DateTime<Utc>, timed_out: bool) {
        let Some(session) = self.sessions.get_mut(&(list.to_owned(), session.to_owned())) else { return };
        session.ended = Some(at);
        session.timed_out = timed_out;
        let gathered = std::mem::take(&mut session.gathered);
        self.change(Platform::Meta, list, at, |list| list.members = gathered);
    }
}
