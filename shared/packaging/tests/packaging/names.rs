//! Name resolution by a packaged program, with nothing around it but the resolver's configuration.
//!
//! The C library inside a static binary might look for parts of itself in files that do not exist.

use std::{
    io::Read as _,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread::spawn,
};

use support::Running;

use crate::{PACKAGES, PATH, in_root, is_root, unpacked};

/// A name that does not exist in any real DNS.
pub(crate) const NAME: &str = "vpc.flowkeeper.test";

/// Answers every address query with 127.0.0.1 (RFC 1035), and reports the names that were asked for.
fn serve_names(socket: &UdpSocket, asked: &Sender<String>) {
    let mut buffer = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut buffer) {
        // The name follows a header of 12 bytes: labels prefixed with their length, up to an empty one.
        let (mut at, mut labels) = (12, Vec::new());
        while buffer[at] != 0 {
            let end = at + 1 + usize::from(buffer[at]);
            labels.push(String::from_utf8_lossy(&buffer[at + 1..end]).into_owned());
            at = end;
        }
        assert!(at + 5 <= length, "a question is cut off");
        let is_for_ipv4 = buffer[at + 1..at + 3] == [0, 1];
        let answers = u8::from(is_for_ipv4);
        let mut answer = buffer[..2].to_vec();
        answer.extend([0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0]);
        answer.extend(&buffer[12..at + 5]);
        if is_for_ipv4 {
            // The same name, type A, class IN, a TTL of 60 seconds, four bytes.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        socket.send_to(&answer, client).unwrap();
        _ = asked.send(labels.join("."));
    }
}

/// Closes every connection, and reports whether it began with a TLS greeting for this name.
fn hang_up(listener: &TcpListener, greeted: &Sender<bool>) {
    for connection in listener.incoming() {
        let mut greeting = [0; 2048];
        let length = connection.unwrap().read(&mut greeting).unwrap();
        let names = greeting[..length].windows(NAME.len()).any(|window| window == NAME.as_bytes());
        _ = greeted.send(greeting[0] == 22 && names);
    }
}

fn told<T>(receiver: &Receiver<T>) -> Vec<T> {
    receiver.try_iter().collect()
}

/// A name server, and a server that hangs up on everyone who greets it.
pub(crate) struct Network {
    name_server: Ipv4Addr,
    /// The endpoint, with a name that the name server knows.
    pub(crate) endpoint: String,
    names: Receiver<String>,
    greetings: Receiver<bool>,
}

impl Network {
    /// Starts both. Each test has a name server of its own, at 127.77.10.`number`: the machine may have one on 127.0.0.1.
    pub(crate) fn start(number: u8) -> Self {
        let name_server = Ipv4Addr::new(127, 77, 10, number);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = format!("https://{NAME}:{}", listener.local_addr().unwrap().port());
        let (asked, names) = channel();
        let (greeted, greetings) = channel();
        spawn(move || hang_up(&listener, &greeted));
        let socket = UdpSocket::bind((name_server, 53))
            .unwrap_or_else(|error| panic!("only root may answer on port 53: {error}"));
        spawn(move || serve_names(&socket, &asked));
        Self { name_server, endpoint, names, greetings }
    }

    /// What `resolv.conf` says of the name server.
    pub(crate) fn resolver(&self) -> String {
        format!("nameserver {}\n", self.name_server)
    }

    /// Checks that somebody greeted the endpoint by its name, and whether the name server was asked for it. `when` says
    /// when this was.
    pub(crate) fn was_greeted(&self, is_asked: bool, when: &str) {
        let (names, greetings) = (told(&self.names), told(&self.greetings));
        assert!(!greetings.is_empty() && greetings.iter().all(|named| *named), "{when}: {greetings:?}");
        assert!(names.is_empty() != is_asked && names.iter().all(|name| name == NAME), "{when}: {names:?}");
    }
}

/// Writes files into the folder `etc` of a root.
pub(crate) fn write_etc(root: &Path, files: &[(&str, &str)]) {
    std::fs::create_dir(root.join("etc")).unwrap();
    for (file, text) in files {
        std::fs::write(root.join("etc").join(file), text).unwrap();
    }
}

#[test]
#[ignore = "slow: builds every function with all optimizations, and only for root; .ci/run calls it"]
fn a_package_resolves_names_where_there_is_nothing_else() {
    let package = PACKAGES.iter().find(|package| package.function == "open-flow-log-service").unwrap();
    let network = Network::start(53);
    let settings = [
        ("PATH", PATH),
        ("FLOWKEEPER_VPC_ENDPOINT", network.endpoint.as_str()),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
    ];
    let here = "x-fc-account-id: 1000000000000001\r\nx-fc-region: cn-hangzhou\r\nx-fc-function-timeout: 5\r\n";
    let server = network.resolver();
    let local = format!("127.0.0.1 {NAME}\n");
    for (files, is_asked) in [
        ([("resolv.conf", server.as_str())].as_slice(), true),
        // As in Debian, which the runtimes are based on.
        (
            &[("resolv.conf", &server), ("hosts", "127.0.0.1 localhost\n"), ("nsswitch.conf", "hosts: files dns\n")],
            true,
        ),
        // With a module that would have to be loaded and does not exist.
        (&[("resolv.conf", &server), ("nsswitch.conf", "hosts: mymachines myhostname dns\n")], true),
        (&[("resolv.conf", &server), ("hosts", &local)], false),
    ] {
        let root = unpacked(package);
        assert!(is_root(root.path()), "only root may take everything else away: run this as root");
        write_etc(root.path(), files);
        let answer = Running::of(in_root(root.path()), &settings).invoke(here, "{}");
        assert!(
            answer.contains(&format!("no connection to {NAME}")) && !answer.contains("lookup"),
            "{files:?}: {answer}"
        );
        network.was_greeted(is_asked, &format!("{files:?}"));
    }
}
