//! As much of HTTP/1.1 as a scrape needs: one request a connection, each with a deadline.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::request::Request;
use super::scrape::Exporter;
use crate::command::Failure;

/// Connections served at once: a slow client keeps nobody else waiting.
const THREADS: usize = 8;
const MOST_HEAD: usize = 8 << 10;
/// For the whole request, and for the whole answer.
const TO_ASK: Duration = Duration::from_secs(5);
const TO_LISTEN: Duration = Duration::from_secs(30);
/// After a connection that could not be taken: there may be no descriptor left for a while.
const PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";

/// Serves from threads of its own until the process ends.
pub fn serve(listener: TcpListener, exporter: Exporter) -> Result<(), Failure> {
    let shared = Arc::new((listener, Mutex::new(exporter)));
    for _ in 0..THREADS {
        let shared = shared.clone();
        let answer_all = move || {
            let (listener, exporter) = &*shared;
            loop {
                match listener.accept() {
                    // A client that goes away is its own affair.
                    Ok((stream, _)) => drop(converse(stream, exporter)),
                    Err(_) => thread::sleep(PAUSE),
                }
            }
        };
        let started = thread::Builder::new().name("export".into()).spawn(answer_all);
        started.map_err(|why| Failure::ours(format!("cannot start a thread: {why}")))?;
    }
    Ok(())
}

fn converse(mut stream: TcpStream, exporter: &Mutex<Exporter>) -> io::Result<()> {
    let answer = match read_head(&mut stream, Instant::now() + TO_ASK) {
        Ok(head) => Request::parse(&head).map_or_else(
            || Answer::plain("400 Bad Request", "this is no request\n"),
            |request| answer(&request, exporter),
        ),
        Err(why) if why.kind() == ErrorKind::FileTooLarge => {
            Answer::plain("431 Request Header Fields Too Large", "the request is too long\n")
        }
        Err(why) => return Err(why),
    };
    let until = Instant::now() + TO_LISTEN;
    write_all(&mut stream, answer.head().as_bytes(), until)?;
    if !answer.head_only {
        write_all(&mut stream, answer.body.as_bytes(), until)?;
    }
    stream.shutdown(Shutdown::Write)
}

fn read_head(stream: &mut TcpStream, until: Instant) -> io::Result<String> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= MOST_HEAD {
            return Err(ErrorKind::FileTooLarge.into());
        }
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(&mut part)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => head.extend_from_slice(part.get(..count).unwrap_or_default()),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn write_all(stream: &mut TcpStream, mut bytes: &[u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left(until)?))?;
        match stream.write(bytes)? {
            0 => return Err(ErrorKind::WriteZero.into()),
            count => bytes = bytes.get(count..).unwrap_or_default(),
        }
    }
    Ok(())
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

struct Answer {
    status: &'static str,
    /// Lines of the head that are this answer's own.
    extra: &'static str,
    content_type: &'static str,
    body: String,
    head_only: bool,
}

impl Answer {
    fn plain(status: &'static str, body: &str) -> Answer {
        let body = body.to_owned();
        Answer { status, extra: "", content_type: TEXT, body, head_only: false }
    }

    fn head(&self) -> String {
        format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len(),
            self.extra
        )
    }
}

fn answer(request: &Request, exporter: &Mutex<Exporter>) -> Answer {
    let head_only = request.method == "HEAD";
    if !head_only && request.method != "GET" {
        let refused = Answer::plain("405 Method Not Allowed", "GET or HEAD\n");
        return Answer { extra: "Allow: GET, HEAD\r\n", ..refused };
    }
    let answer = match request.path.as_str() {
        "/metrics" => {
            let mut exporter = exporter.lock().unwrap_or_else(PoisonError::into_inner);
            let body = exporter.scrape(request.format);
            Answer {
                content_type: request.format.content_type(),
                body,
                ..Answer::plain("200 OK", "")
            }
        }
        "/healthz" => Answer::plain("200 OK", "ok\n"),
        _ => Answer::plain("404 Not Found", "/metrics or /healthz\n"),
    };
    Answer { head_only, ..answer }
}
