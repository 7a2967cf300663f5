//! A terminal for the command, and a person who types.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZero,
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// The columns of a terminal if a test does not care.
const COLUMNS: u16 = 100;
/// Enough for everything that a session shows.
const ROWS: u16 = 200;

/// A terminal that the command runs on.
pub(crate) struct Terminal {
    keys: File,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    child: Child,
    columns: u16,
}

impl Terminal {
    /// Runs the command on a terminal.
    pub(crate) fn run(command: &Command) -> Self {
        Self::run_at(COLUMNS, command)
    }

    /// Runs the command on a terminal with this many columns, which is its controlling terminal: Ctrl-C interrupts it.
    pub(crate) fn run_at(columns: u16, command: &Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        tcsetwinsize(&master, Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let open = || File::options().read(true).write(true).open(&name).unwrap();
        let mut command = controlled(command);
        let child = command.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
        // The ends of the command stay with it alone, so that the terminal ends with it.
        drop(command);
        let keys = File::from(master);
        let mut screen = keys.try_clone().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal without anybody at its other end is an error here.
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                log.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { keys, seen, reader, child, columns }
    }

    /// All that was written so far. A read may end within a character, so the bytes are kept.
    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Waits until the screen has shown this text.
    pub(crate) fn wait_for(&self, text: &str) {
        let has = || self.seen().contains(text);
        while !has() {
            assert!(!self.reader.is_finished(), "{text} never came: {}", self.seen());
            thread::yield_now();
        }
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        self.keys.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits for the end. Returns the exit code and all that was written.
    fn finish(mut self) -> (i32, Vec<u8>) {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let seen = self.seen.lock().unwrap().clone();
        (status.code().unwrap_or(-1), seen)
    }

    /// Waits for the end. Returns all that was written, with its colors.
    pub(crate) fn raw(self) -> String {
        String::from_utf8(self.finish().1).unwrap()
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&mut self) {
        self.keys.write_all(b"\x03").unwrap();
    }

    /// Presses Ctrl-D.
    pub(crate) fn end_input(&mut self) {
        self.keys.write_all(b"\x04").unwrap();
    }

    /// Waits for the end. Returns what the screen shows then, with the exit code. Lines that the terminal had to break
    /// are in one piece.
    pub(crate) fn screen(self) -> String {
        let size = |count| NonZero::new(count).unwrap();
        let mut screen = vt100::Parser::new(size(ROWS), size(self.columns), 0);
        let (code, seen) = self.finish();
        screen.process(&seen);
        let shown = screen.screen().contents();
        format!("{}\n---- exit code {code}\n", shown.trim_end())
    }

    /// Waits for the end. Returns the exit code and all that was shown, without colors.
    pub(crate) fn end(self) -> (i32, String) {
        let (code, seen) = self.finish();
        (code, anstream::adapter::strip_str(&String::from_utf8(seen).unwrap()).to_string())
    }
}

/// Returns the command in a session of its own, with its terminal in control.
fn controlled(command: &Command) -> Command {
    let mut controlled = Command::new("setsid");
    controlled.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
    controlled.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            controlled.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        controlled.current_dir(folder);
    }
    controlled
}
