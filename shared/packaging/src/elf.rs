//! Checks whether a binary starts on any Linux, as in Function Compute. Pure: bytes in, verdict out.

use object::{
    LittleEndian,
    elf::{DT_NEEDED, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64},
    read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _},
};

/// Why a binary would not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a 64-bit ELF file, or a broken one.
    #[error("it is no ELF binary of 64 bits ({0}), and packages are for Linux: package there, or in a container")]
    NotElf(String),
    /// A binary for another architecture.
    #[error("it is a binary for {0} and packages are for x86-64: package on an x86-64 machine, or in a container")]
    OtherArchitecture(String),
    /// An object file or a core dump.
    #[error("it is no program, but an ELF file of type {0}: package what cargo makes of a binary target")]
    NotAProgram(u16),
    /// A binary that needs a loader or shared libraries, of which another machine may have an older version or none.
    #[error(
        "it is linked dynamically (it asks for {0}), and what it asks for may be older or missing where it runs: \
         `cargo run -p packaging` links statically, unless the configuration of cargo has other rustflags"
    )]
    Dynamic(String),
}

/// Accepts a static program for x86-64, and rejects anything else.
///
/// # Errors
/// The first reason found.
pub fn check(binary: &[u8]) -> Result<(), Refusal> {
    let broken = |error: object::read::Error| Refusal::NotElf(error.to_string());
    let header = FileHeader64::<LittleEndian>::parse(binary).map_err(broken)?;
    let endian = header.endian().map_err(broken)?;
    match header.e_machine(endian) {
        EM_X86_64 => {}
        EM_AARCH64 => return Err(Refusal::OtherArchitecture("aarch64".into())),
        other => return Err(Refusal::OtherArchitecture(format!("machine {}", other.0))),
    }
    let kind = header.e_type(endian);
    // A static position-independent executable has the type of a shared library.
    if ![ET_EXEC, ET_DYN].contains(&kind) {
        return Err(Refusal::NotAProgram(kind.0));
    }
    let segments = header.program_headers(endian, binary).map_err(broken)?;
    for segment in segments {
        if let Some(loader) = segment.interpreter(endian, binary).map_err(broken)? {
            return Err(Refusal::Dynamic(format!("the loader {}", String::from_utf8_lossy(loader))));
        }
        // A static position-independent executable has dynamic entries too, but none that names a library.
        let entries = segment.dynamic(endian, binary).map_err(broken)?.unwrap_or_default();
        if entries.iter().any(|entry| entry.tag(endian) == DT_NEEDED) {
            return Err(Refusal::Dynamic("shared libraries".into()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds the header of a program without segments for the given machine.
    fn header(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16..18].copy_from_slice(&ET_EXEC.0.to_le_bytes());
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[20] = 1;
        bytes[52] = 64;
        bytes
    }

    #[test]
    fn a_static_program_for_x86_64_passes() {
        assert_eq!(check(&header(EM_X86_64.0)), Ok(()));
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64", not(target_feature = "crt-static")))]
    fn a_dynamic_program_such_as_this_test_is_refused_with_the_loader_it_asks_for() {
        let this_test = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let refusal = check(&this_test).unwrap_err();
        assert!(matches!(&refusal, Refusal::Dynamic(what) if what.contains("ld-linux-x86-64")), "{refusal}");
    }

    #[test]
    fn a_library_is_needed_even_where_no_loader_is_named() {
        // One dynamic segment, whose first entry needs a library.
        let mut bytes = header(EM_X86_64.0);
        bytes[32] = 64; // offset of the program headers
        bytes[54] = 56; // size of a program header
        bytes[56] = 1; // number of program headers
        let segment: [u64; 7] = [2, 120, 0, 0, 32, 32, 8];
        let entries: [u64; 4] = [DT_NEEDED.0.unsigned_abs(), 1, 0, 0];
        bytes.extend(segment.iter().chain(&entries).flat_map(|number| number.to_le_bytes()));
        assert_eq!(check(&bytes), Err(Refusal::Dynamic("shared libraries".into())));
        bytes[120] = 14; // DT_SONAME instead of DT_NEEDED
        assert_eq!(check(&bytes), Ok(()));
    }

    #[test]
    fn a_program_for_arm_is_refused_by_name() {
        assert_eq!(check(&header(EM_AARCH64.0)), Err(Refusal::OtherArchitecture("aarch64".into())));
        assert_eq!(check(&header(243)), Err(Refusal::OtherArchitecture("machine 243".into())));
    }

    #[test]
    fn what_is_no_program_of_linux_is_refused() {
        let mut narrow = header(EM_X86_64.0);
        narrow[4] = 1;
        for bytes in [&b""[..], b"#!/bin/sh\n", b"MZ\x90\x00", &narrow, &header(EM_X86_64.0)[..40]] {
            assert!(matches!(check(bytes), Err(Refusal::NotElf(_))), "{bytes:?}");
        }
        let mut object_file = header(EM_X86_64.0);
        object_file[16] = 1;
        assert_eq!(check(&object_file), Err(Refusal::NotAProgram(1)));
    }

    #[test]
    fn a_program_cut_short_is_refused() {
        let mut bytes = header(EM_X86_64.0);
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 3;
        assert!(matches!(check(&bytes), Err(Refusal::NotElf(_))));
    }
}
