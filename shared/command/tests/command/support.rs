//! A home directory to run the command in.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// A home directory, which is the working directory, too.
pub(crate) struct Home(TempDir);

/// What a run printed, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A home with these files, each with its folders.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let home = Self::new();
        for (name, text) in files {
            home.write(name, text);
        }
        home
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the command here, with no variable but these.
    pub(crate) fn run(&self, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
        self.run_with_input(arguments, env, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], env: &[(&str, &str)], input: &str) -> Ran {
        run_with_input(self.path(), arguments, env, input)
    }

    pub(crate) fn command(&self, arguments: &[&str], env: &[(&str, &str)]) -> Command {
        command(self.path(), arguments, env)
    }
}

/// Runs the command in a home directory, for a test that moves to another thread.
pub(crate) fn run_in(home: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    run_with_input(home, arguments, env, "")
}

/// Runs the command while the servers of this runtime answer.
pub(crate) async fn run_beside(home: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    let arguments: Vec<_> = arguments.iter().map(|&text| text.to_owned()).collect();
    let env: Vec<_> = env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let path = home.to_owned();
    let command = move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        run_in(&path, &arguments, &env)
    };
    tokio::task::spawn_blocking(command).await.unwrap()
}

fn run_with_input(home: &Path, arguments: &[&str], env: &[(&str, &str)], input: &str) -> Ran {
    let mut command = command(home, arguments, env);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A run that does not read its input closes it.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::of(child.wait_with_output().unwrap())
}

fn command(home: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(home).env_clear().env("HOME", home);
    command.env("PATH", "/usr/bin:/bin").envs(env.iter().copied());
    command
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code().unwrap_or(-1) }
    }

    /// All of it, as a snapshot shows it.
    pub(crate) fn whole(&self) -> String {
        let Self { stdout, stderr, code } = self;
        format!("{stdout}---- stderr\n{stderr}---- exit code {code}\n")
    }

    /// Panics unless it succeeded, and returns what it printed.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, 0, "{}", self.whole());
        self.stdout
    }

    /// Panics unless it failed with this exit code and printed no data, and returns the lines of its errors.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> Vec<String> {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{}", self.whole());
        self.stderr.lines().map(str::to_owned).collect()
    }
}

pub(crate) fn binary() -> PathBuf {
    env!("CARGO_BIN_EXE_flowkeeper").into()
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
