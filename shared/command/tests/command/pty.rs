//! A terminal for the command, and a person who types.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A terminal that the command runs on.
pub(crate) struct Terminal {
    keys: File,
    seen: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
    child: Child,
}

impl Terminal {
    /// Runs the command on a terminal.
    pub(crate) fn run(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || File::options().read(true).write(true).open(&name).unwrap();
        let child = command.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
        // The ends of the command stay with it alone, so that the terminal ends with it.
        drop(command);
        let keys = File::from(master);
        let mut screen = keys.try_clone().unwrap();
        let seen = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&seen);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal without anybody at its other end is an error here.
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                log.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { keys, seen, reader, child }
    }

    /// Waits until the screen has shown this text.
    pub(crate) fn wait_for(&self, text: &str) {
        let has = || self.seen.lock().unwrap().contains(text);
        while !has() {
            assert!(!self.reader.is_finished(), "{text} never came: {}", self.seen.lock().unwrap());
            thread::yield_now();
        }
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        self.keys.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits for the end. Returns the exit code and all that was shown, without colors.
    pub(crate) fn end(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let seen = self.seen.lock().unwrap();
        (status.code().unwrap_or(-1), anstream::adapter::strip_str(&seen).to_string())
    }
}
