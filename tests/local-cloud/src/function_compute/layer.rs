//! The layer of the functions: what stands below `/opt` on Function Compute.
//!
//! A process cannot have an `/opt` of its own here. The layer is unpacked into a folder, and variables of the template
//! that begin with `/opt/` begin with that folder instead.

use std::{
    fs,
    io::{self, Cursor},
    path::Path,
};

use tempfile::TempDir;
use zip::ZipArchive;

use crate::{error::Error, options::Layer, ros::function::Function, world::shared::Shared};

/// Where functions find a layer.
const ROOT: &str = "/opt/";
/// The largest layer, unpacked, in bytes.
const MAX_SIZE: u64 = 500 * 1024 * 1024;

/// An unpacked layer. Dropping it removes the folder.
pub(crate) struct Unpacked(TempDir);

/// Unpacks the layer of the functions, if they have one.
pub(crate) fn unpack(layer: Option<&Layer>, functions: &[Function]) -> Result<Option<Unpacked>, Error> {
    match (layer, named(functions)) {
        (None, None) => Ok(None),
        (Some(layer), Some(_)) => Unpacked::of(layer).map(Some).map_err(|error| Error::Layer(error.to_string())),
        (None, Some(name)) => Err(not_given(name)),
        (Some(_), None) => {
            Err(Error::Layer("the template gives no function a layer; set its parameter PolicyLayerObject".to_owned()))
        }
    }
}

/// Checks that the layer of the functions of a further stack, if they have one, is the one that was unpacked.
pub(crate) fn check(unpacked: Option<&Unpacked>, functions: &[Function]) -> Result<(), Error> {
    named(functions).filter(|_| unpacked.is_none()).map_or(Ok(()), |name| Err(not_given(name)))
}

/// Returns the name of the functions' layer.
fn named(functions: &[Function]) -> Option<&String> {
    functions.iter().flat_map(|function| &function.layers).next()
}

fn not_given(name: &str) -> Error {
    Error::Layer(format!("the template gives the functions the layer {name}, and its contents are not given"))
}

impl Unpacked {
    fn of(layer: &Layer) -> io::Result<Self> {
        let unpacked = Self(tempfile::Builder::new().prefix("local-cloud-layer-").tempdir()?);
        let folder = unpacked.0.path();
        match layer {
            Layer::Zip(bytes) => unzip(bytes, folder)?,
            Layer::Folder(source) => copy(source, folder)?,
        }
        set_writable(folder, false)?;
        Ok(unpacked)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // What cannot be made writable cannot be removed either, and stays in the temporary folder.
        let _ = set_writable(self.0.path(), true);
    }
}

impl Shared {
    /// Returns the value of a variable, with the layer's folder in place of `/opt`.
    pub(crate) fn in_layer(&self, value: &str) -> String {
        let folder = self.layer.as_ref().map(|unpacked| unpacked.0.path().display());
        match value.strip_prefix(ROOT).zip(folder) {
            Some((rest, folder)) => format!("{folder}/{rest}"),
            None => value.to_owned(),
        }
    }
}

/// Unpacks an archive. Function Compute refuses entries that lead out of the folder, and so does this.
fn unzip(bytes: &[u8], folder: &Path) -> io::Result<()> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut left = MAX_SIZE;
    for n in 0..archive.len() {
        let mut entry = archive.by_index(n)?;
        let inside = entry.enclosed_name();
        let inside = inside.ok_or_else(|| io::Error::other("an entry leads out of the archive"))?;
        left = left.checked_sub(entry.size()).ok_or_else(|| io::Error::other("it is larger than 500 MB"))?;
        let target = folder.join(inside);
        if entry.is_dir() {
            fs::create_dir_all(&target)?;
            continue;
        }
        fs::create_dir_all(target.parent().unwrap_or(folder))?;
        // An entry can hold more than it says.
        let size = entry.size();
        io::copy(&mut io::Read::take(&mut entry, size), &mut fs::File::create(&target)?)?;
    }
    Ok(())
}

/// Copies the files of a folder.
fn copy(source: &Path, folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let target = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Makes a folder and all that is in it writable or read-only.
fn set_writable(path: &Path, is_writable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let is_folder = fs::symlink_metadata(path)?.is_dir();
    let mode = match (is_folder, is_writable) {
        (true, true) => 0o755,
        (true, false) => 0o555,
        (false, true) => 0o644,
        (false, false) => 0o444,
    };
    if is_folder && is_writable {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    if is_folder {
        for entry in fs::read_dir(path)? {
            set_writable(&entry?.path(), is_writable)?;
        }
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
