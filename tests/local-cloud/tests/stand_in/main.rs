//! A function that does what its variable `STAND_IN` says, and answers with the request that it received.
//!
//! The values are `succeed`, `fail` and `fail-2` (the first two times, by its own count), `crash` and `crash-1` (while
//! FC's retry count is below one), `no-header` (an error without `x-fc-status`), `hang` (no answer at all), `die` (at
//! its start), `refuse-hooks` and `hang-hooks` (the hooks before the first invocation and after the last).

#![expect(clippy::disallowed_methods, reason = "a test is at the edge: it asks the machine")]

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use serde_json::{Value, json};

static INVOCATIONS: AtomicU32 = AtomicU32::new(0);

fn main() -> io::Result<()> {
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let of = |name: &str| environment.get(name).cloned().unwrap_or_default();
    if of("STAND_IN") == "die" {
        return Err(io::Error::other("as it was told to"));
    }
    let address = environment.get("FLOWKEEPER_LISTEN_ADDRESS").map_or("0.0.0.0", String::as_str);
    let listener = TcpListener::bind(format!("{address}:{}", of("FC_CUSTOM_LISTEN_PORT")))?;
    for (connection, stream) in listener.incoming().enumerate() {
        let (environment, stream) = (environment.clone(), stream?);
        thread::spawn(move || serve(&stream, connection, &environment));
    }
    Ok(())
}

/// Answers the requests of one keep-alive connection.
fn serve(mut stream: &TcpStream, connection: usize, environment: &BTreeMap<String, String>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((target, headers, event)) = request(&mut reader)? {
        if !target.starts_with("POST /invoke ") {
            let path = target.split(' ').nth(1).unwrap_or_default();
            writeln!(io::stdout(), "stand-in got {path} of {}", environment["FC_FUNCTION_NAME"])?;
            let status = match environment.get("STAND_IN").map(String::as_str) {
                Some("refuse-hooks") => "500 Internal Server Error",
                Some("hang-hooks") => loop {
                    thread::park();
                },
                _ => "200 OK",
            };
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        let count = INVOCATIONS.fetch_add(1, Ordering::SeqCst);
        let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
        writeln!(io::stdout(), "stand-in got {}", header("x-fc-request-id"))?;
        let task = environment.get("STAND_IN").map_or("succeed", String::as_str);
        let (task, times) = match task.rsplit_once('-').map(|(task, times)| (task, times.parse::<u32>())) {
            Some((task, Ok(times))) => (task, times),
            _ => (task, u32::MAX),
        };
        let (status, fc_status) = match task {
            "crash" if header("x-fc-retry-count").parse().unwrap_or(0) < times => std::process::exit(1),
            "fail" if count < times => ("404 Not Found", "x-fc-status: 404\r\n"),
            "no-header" => ("500 Internal Server Error", ""),
            "hang" => loop {
                thread::park();
            },
            _ => ("200 OK", "x-fc-status: 200\r\n"),
        };
        let body = json!({
            "target": target, "headers": headers, "event": event, "environment": environment,
            "process": std::process::id(), "connection": connection, "count": count,
        })
        .to_string();
        let answer = format!("HTTP/1.1 {status}\r\n{fc_status}content-length: {}\r\n\r\n{body}", body.len());
        // A single write: the second of two would wait until the first is acknowledged.
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

type Request = (String, BTreeMap<String, String>, Value);

fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let target = line.trim_end().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((target, headers, String::from_utf8_lossy(&body).into())))
}
