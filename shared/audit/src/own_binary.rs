//! The program itself, as a file.

use std::{
    env,
    fs::File,
    io::{self, Read},
};

use evidence::Binary;
use sha2::{Digest as _, Sha256};

/// How much of the file is in memory at a time.
const CHUNK: usize = 64 * 1024;

/// Reads the file of the running program, and returns its digest. If it cannot be read, that is said: a report of a program
/// that nobody can tell is not a report of the one that was released.
///
/// Reads the whole file, so that it takes some milliseconds.
#[must_use]
pub fn own_binary() -> Binary {
    of(env::current_exe().and_then(File::open))
}

fn of(file: io::Result<impl Read>) -> Binary {
    match file.and_then(digest) {
        Ok(sha256) => Binary { sha256: Some(sha256), why_unknown: None },
        Err(error) => {
            Binary { sha256: None, why_unknown: Some(format!("the file of the program could not be read: {error}")) }
        }
    }
}

fn digest(mut file: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Ok(count) => hash.update(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_cannot_be_read_to_its_end_has_no_digest_and_says_why() {
        struct Broken(bool);
        impl Read for Broken {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("it breaks off"));
                }
                to[0] = b'a';
                Ok(1)
            }
        }
        let why = |found: Binary| (found.sha256, found.why_unknown.unwrap());
        let said = |error| (None, format!("the file of the program could not be read: {error}"));
        assert_eq!(why(of(Ok(Broken(false)))), said("it breaks off"));
        assert_eq!(why(of(Err::<Broken, _>(io::Error::other("not there")))), said("not there"));
    }

    #[test]
    fn the_digest_is_that_of_the_whole_file_however_long_it_is() {
        // By `sha256sum`, of 200,000 letters.
        let expected = "2287d207f24a941ff3b56c04c8a25ad56b63e3023207b3bb5b4ac0c9869d74be";
        let found = of(Ok(io::repeat(b'a').take(200_000)));
        assert_eq!((found.sha256.as_deref(), found.why_unknown), (Some(expected), None));
    }
}
