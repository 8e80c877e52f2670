//! The numbers that tell the files of one day and destination apart. A list keeps the numbers that it has claimed, so
//! that what goes again has the same names; two lists never have the same, in one process or several.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use chrono::{Days, NaiveDate};
use consign_model::id::Slug;

use super::PlatformError;
use crate::folder::{DataFolder, private_folder, remove_folder, sync_folder};

/// How long the numbers of a day are kept: as long as a run of that day may be sent again, with a margin.
const KEPT: Days = Days::new(60);

/// The numbers of one list.
pub(super) struct Numbers {
    destination: PathBuf,
    day: NaiveDate,
    /// Campaign and group.
    list: String,
}

impl Numbers {
    pub fn of(data: &DataFolder, destination: &Slug, day: NaiveDate, list: &str) -> Self {
        let destination = data.path().join("file_numbers").join(destination.as_str());
        Self { destination, day, list: list.to_owned() }
    }

    /// The number of the list's file at that place, from 1: the one that it has already, else the first that nobody has.
    pub fn claim(&self, file: u64) -> Result<u64, PlatformError> {
        let claimed = self.claimed(&format!("{}/{file}\n", self.list));
        claimed.map_err(|reason| PlatformError::Members { path: self.folder(self.day), reason })
    }

    fn folder(&self, day: NaiveDate) -> PathBuf {
        self.destination.join(day.format("%Y%m%d").to_string())
    }

    fn claimed(&self, claim: &str) -> io::Result<u64> {
        let folder = self.folder(self.day);
        if !folder.exists() {
            private_folder(&folder)?;
            self.forget_old()?;
        }
        // A claim appears whole: it is written under another name, and linked.
        let draft = folder.join(format!("draft-{}", uuid::Uuid::now_v7()));
        let mut file = File::create_new(&draft)?;
        file.write_all(claim.as_bytes())?;
        file.sync_all()?;
        let mut number = 1;
        let claimed = loop {
            let path = folder.join(number.to_string());
            match fs::hard_link(&draft, &path) {
                Ok(()) => break sync_folder(&folder).map(|()| number),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match fs::read_to_string(&path) {
                    Ok(text) if text == claim => break Ok(number),
                    Ok(_) => number += 1,
                    Err(error) => break Err(error),
                },
                Err(error) => break Err(error),
            }
        };
        fs::remove_file(&draft)?;
        claimed
    }

    fn forget_old(&self) -> io::Result<()> {
        let Some(oldest) = self.day.checked_sub_days(KEPT) else { return Ok(()) };
        for entry in fs::read_dir(&self.destination)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if NaiveDate::parse_from_str(name, "%Y%m%d").is_ok_and(|day| day < oldest) {
                remove_folder(&path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, day).unwrap()
    }

    #[test]
    fn a_list_keeps_its_numbers_and_no_two_lists_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let there: Slug = "there".parse().unwrap();
        let of = |list: &str, on| Numbers::of(&data, &there, day(on), list);
        assert_eq!(of("spring/a", 1).claim(1).unwrap(), 1);
        assert_eq!(of("spring/b", 1).claim(1).unwrap(), 2);
        assert_eq!(of("spring/a", 1).claim(2).unwrap(), 3);
        assert_eq!(of("spring/a", 1).claim(1).unwrap(), 1);
        assert_eq!(of("spring/b", 2).claim(1).unwrap(), 1, "each day begins anew");
        let other: Slug = "elsewhere".parse().unwrap();
        assert_eq!(Numbers::of(&data, &other, day(1), "spring/b").claim(1).unwrap(), 1);
        let names = fs::read_dir(data.path().join("file_numbers/there/20261201")).unwrap();
        assert_eq!(names.count(), 3, "no draft is left");
    }

    #[test]
    fn lists_that_claim_at_once_have_numbers_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let there: Slug = "there".parse().unwrap();
        let mut numbers: Vec<u64> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..16)
                .map(|n| {
                    scope.spawn({
                        let (data, there) = (&data, &there);
                        move || Numbers::of(data, there, day(1), &format!("spring/{n}")).claim(1).unwrap()
                    })
                })
                .collect();
            claims.into_iter().map(|claim| claim.join().unwrap()).collect()
        });
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
    }

    #[test]
    fn the_numbers_of_long_ago_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let there: Slug = "there".parse().unwrap();
        Numbers::of(&data, &there, day(1), "spring/a").claim(1).unwrap();
        Numbers::of(&data, &there, day(31) + Days::new(60), "spring/a").claim(1).unwrap();
        assert!(!data.path().join("file_numbers/there/20261201").exists());
    }
}
