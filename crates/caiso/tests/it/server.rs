//! A small HTTP server that scores rows, and that can hang, fail and go on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Rows as they were sent, so that equal ones are told.
type Row = String;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    requests: usize,
    answered: Vec<Row>,
    hang_after: Option<usize>,
    fail_after: Option<usize>,
    hung: bool,
}

impl Server {
    /// Starts a server that answers `{"instances": rows}` with `{"scores": [score(row), …]}`.
    pub(crate) fn start(score: impl Fn(&[f64]) -> Vec<f64> + Send + Sync + 'static) -> Self {
        Self::of_values(move |row| {
            let row: Vec<f64> = serde_json::from_value(row.clone()).unwrap();
            score(&row)
        })
    }

    /// The same for instances of any kind.
    pub(crate) fn of_values(score: impl Fn(&Value) -> Vec<f64> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (score, kept) = (Arc::new(score), Arc::clone(&shared));
        // The thread ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (score, kept) = (Arc::clone(&score), Arc::clone(&kept));
                thread::spawn(move || serve(stream, &*score, &kept));
            }
        });
        Self { address, shared }
    }

    /// Requests after the first `count` get no answer.
    pub(crate) fn hang_after(&self, count: usize) {
        self.shared.log.lock().unwrap().hang_after = Some(count);
    }

    /// Requests after the first `count` are answered with status 500.
    pub(crate) fn fail_after(&self, count: usize) {
        self.shared.log.lock().unwrap().fail_after = Some(count);
    }

    /// Returns when a request is without an answer.
    pub(crate) fn wait_until_hung(&self) {
        let log = self.shared.log.lock().unwrap();
        let minute = Duration::from_mins(1);
        let (log, _) =
            self.shared.changed.wait_timeout_while(log, minute, |log| !log.hung).unwrap();
        assert!(log.hung, "{} requests came", log.requests);
    }

    /// Answers everything from here on.
    pub(crate) fn go_on(&self) {
        let mut log = self.shared.log.lock().unwrap();
        (log.hang_after, log.fail_after) = (None, None);
    }

    /// The rows that were answered, in the order of the requests.
    pub(crate) fn answered(&self) -> Vec<Row> {
        self.shared.log.lock().unwrap().answered.clone()
    }
}

fn serve(stream: TcpStream, score: &(dyn Fn(&Value) -> Vec<f64> + Send + Sync), shared: &Shared) {
    let mut stream = BufReader::new(stream);
    // Several requests may come over one connection.
    while let Some(body) = receive(&mut stream) {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let rows = body["instances"].as_array().unwrap();
        let mut log = shared.log.lock().unwrap();
        log.requests += 1;
        let after = |limit: Option<usize>| limit.is_some_and(|limit| log.requests > limit);
        if after(log.hang_after) {
            log.hung = true;
            shared.changed.notify_all();
            drop(log);
            // Until the caller is gone.
            let _ = stream.read(&mut [0]);
            return;
        }
        let (status, answer) = if after(log.fail_after) {
            ("500 Internal Server Error", json!({"error": "out of memory"}))
        } else {
            log.answered.extend(rows.iter().map(ToString::to_string));
            let scores: Vec<Vec<f64>> = rows.iter().map(score).collect();
            ("200 OK", json!({"scores": scores}))
        };
        drop(log);
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        let sent = stream.get_mut().write_all(format!("{head}{answer}").as_bytes());
        if sent.is_err() {
            return;
        }
    }
}

/// The body of the next request.
fn receive(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}
