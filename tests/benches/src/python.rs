//! The same function in Python, once with each official SDK, as an FC custom runtime on `http.server`.
//!
//! The SDKs are installed by name, as for a Function Compute package: with `pip install --target`, in the versions that
//! `tests/interop` uses.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// The package name of each SDK, and the module with the function that uses it.
const SDKS: [(&str, &str); 2] =
    [("aliyun-python-sdk-vpc", "aliyun_python_sdk.py"), ("alibabacloud-vpc20160428", "alibabacloud_sdk.py")];
/// The module that both functions share.
const SHARED: &str = "serve.py";
/// The versions of the packages that only the benchmarks need.
const OWN_VERSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");
/// The versions of the SDKs and of what they need.
const VERSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/requirements.txt");
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python");

/// A function with its SDK and dependencies, in a folder of its own.
pub(crate) struct Package {
    pub(crate) sdk: &'static str,
    /// The interpreter itself, not a wrapper that finds it.
    pub(crate) interpreter: PathBuf,
    pub(crate) program: PathBuf,
    /// The size of the ZIP file.
    pub(crate) zip_bytes: u64,
}

/// Installs both functions below `target`, unless they are there in the same versions.
pub(crate) fn packages(target: &Path) -> io::Result<[Package; 2]> {
    let interpreter = interpreter()?;
    let [old, new] = SDKS.map(|(sdk, module)| package(target, &interpreter, sdk, module));
    Ok([old?, new?])
}

fn package(target: &Path, interpreter: &Path, sdk: &'static str, module: &str) -> io::Result<Package> {
    let folder = target.join("python").join(sdk);
    let zip = folder.with_extension("zip");
    let is_there = install(interpreter, &folder, VERSIONS, sdk)?;
    for file in [SHARED, module] {
        fs::copy(Path::new(SOURCES).join(file), folder.join(file))?;
    }
    if !is_there || !zip.exists() {
        let make = "import shutil, sys; shutil.make_archive(sys.argv[1], 'zip', sys.argv[1])";
        run(Command::new(interpreter).args(["-c", make]).arg(&folder))?;
    }
    let zip_bytes = fs::metadata(zip)?.len();
    Ok(Package { sdk, interpreter: interpreter.to_owned(), program: folder.join(module), zip_bytes })
}

/// A script with what it imports, in a folder of its own.
pub(crate) struct Script {
    interpreter: PathBuf,
    folder: PathBuf,
    program: PathBuf,
}

impl Script {
    /// The command that runs it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.env("PYTHONPATH", &self.folder).arg(&self.program);
        command
    }
}

/// Installs a script of this crate and the package that it imports, below `target`.
pub(crate) fn script(target: &Path, module: &str, package_name: &str) -> io::Result<Script> {
    let interpreter = interpreter()?;
    let folder = target.join("python").join(package_name);
    install(&interpreter, &folder, OWN_VERSIONS, package_name)?;
    let program = folder.join(module);
    fs::copy(Path::new(SOURCES).join(module), &program)?;
    Ok(Script { interpreter, folder, program })
}

/// Returns the interpreter itself, not a wrapper that finds it.
fn interpreter() -> io::Result<PathBuf> {
    Ok(run(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]))?.into())
}

/// Installs a package with pip, unless it is there in the version that the file `versions` has. Returns whether it was.
fn install(interpreter: &Path, folder: &Path, versions: &str, package_name: &str) -> io::Result<bool> {
    let stamp = folder.with_extension("installed");
    let wanted = fs::read_to_string(versions)?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(true);
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"];
    run(Command::new(interpreter).args(pip).arg("--target").arg(folder).args([
        "--constraint",
        versions,
        package_name,
    ]))?;
    fs::write(stamp, wanted)?;
    Ok(false)
}

/// Runs a command and returns its output.
pub(crate) fn run(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{command:?} ended with {}: {said}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
