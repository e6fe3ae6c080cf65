//! A small HTTP server that answers as it is told, a thread for each connection.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use caiso_client::{Connection, HttpModel, Recording};
use caiso_core::manifest::{Endpoint, read};
use serde_json::{Value, json};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Lower-case name and value.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("requests are JSON")
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// Answers with a status, headers and a body.
    Full(u16, &'static str, String),
    /// Sends these bytes and closes.
    Raw(String),
    /// Waits and closes.
    Hang(Duration),
    /// Answers without end.
    Endless,
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Self {
        Self::Full(200, "", value.to_string())
    }
}

type Answer = dyn Fn(usize, &Request) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server; `answer` gets the number of the request, from 0, and the request.
    pub(crate) fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::over(Box::new(answer), Some)
    }

    /// The same over what `wrap` makes of a connection.
    pub(crate) fn over<S: Read + Write + 'static>(
        answer: Box<Answer>,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicUsize::new(0));
        let (kept, stop) = (Arc::clone(&requests), Arc::clone(&stopped));
        let opened = Arc::clone(&connections);
        thread::spawn(move || {
            let count = AtomicUsize::new(0);
            thread::scope(|scope| {
                for stream in listener.incoming().map_while(Result::ok) {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    opened.fetch_add(1, Ordering::SeqCst);
                    let (kept, count, answer, wrap) = (&kept, &count, &answer, &wrap);
                    scope.spawn(move || {
                        let Some(stream) = wrap(stream) else { return };
                        let mut stream = BufReader::new(stream);
                        while let Some(request) = receive(&mut stream) {
                            kept.lock().expect("no panic").push(request.clone());
                            let number = count.fetch_add(1, Ordering::SeqCst);
                            if !send(stream.get_mut(), answer(number, &request)) {
                                return;
                            }
                        }
                    });
                }
            });
        });
        Self { address, requests, stopped, connections }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }
}

impl Server {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn receive(stream: &mut impl std::io::BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}

/// Whether the connection stays open.
fn send(stream: &mut impl Write, reply: Reply) -> bool {
    let (text, open) = match reply {
        Reply::Full(status, headers, body) => {
            let length = body.len();
            (format!("HTTP/1.1 {status} \r\n{headers}content-length: {length}\r\n\r\n{body}"), true)
        }
        Reply::Raw(text) => (text, false),
        Reply::Hang(pause) => {
            thread::sleep(pause);
            return false;
        }
        Reply::Endless => {
            let head = "HTTP/1.1 200 \r\n\r\n[";
            let mut sent = stream.write_all(head.as_bytes());
            while sent.is_ok() {
                sent = stream.write_all(&[b' '; 1 << 13]);
            }
            return false;
        }
    };
    stream.write_all(text.as_bytes()).is_ok() && stream.flush().is_ok() && open
}

/// The probabilities of two classes for each row of two numbers: the second class by the mean of the row.
pub(crate) fn honest(request: &Request) -> Reply {
    let rows = request.json()["instances"].as_array().expect("rows").clone();
    let probabilities: Vec<Value> = rows.iter().map(|row| json!(mean(row))).collect();
    Reply::json(&json!({ "predictions": probabilities }))
}

fn mean(row: &Value) -> [f64; 2] {
    let values: Vec<f64> =
        row.as_array().expect("a row").iter().filter_map(Value::as_f64).collect();
    let second = values.iter().sum::<f64>() / values.len() as f64;
    [1.0 - second, second]
}

/// An endpoint of two numbers and the classes `no` and `yes`, with more lines of its description.
pub(crate) fn endpoint(url: &str, more: &str) -> Endpoint {
    let text = format!(
        "caiso: 1\nsystem: {{name: test, purpose: Tests., owner: Nobody}}\nendpoints:\n  - name: scoring\n    \
         url: {url}\n    backoff: 0.01\n{more}"
    );
    match read("caiso.yaml", text.as_bytes()) {
        Ok(manifest) => manifest.endpoints.into_iter().next().expect("one"),
        Err(problems) => panic!("{problems:?}\n{text}"),
    }
}

/// How [`honest`] is asked.
pub(crate) const HONEST: &str = "    body: {instances: \"{{rows}}\"}\n    \
     answer: {probabilities: /predictions}\n    classes: [\"no\", \"yes\"]\n    input_shape: [2]\n";

pub(crate) fn nothing(_: &str) -> Option<String> {
    None
}

pub(crate) fn in_memory() -> Connection<'static> {
    Connection { environment: &nothing, tls_roots: None, recording: Recording::Memory }
}

/// The model at a server that is asked as `HONEST` says, and `more`.
pub(crate) fn model(server: &Server, more: &str) -> HttpModel {
    let endpoint =
        endpoint(&format!("http://{}/v1/predict", server.address), &format!("{HONEST}{more}"));
    HttpModel::connect(&endpoint, in_memory()).expect("a good description")
}
