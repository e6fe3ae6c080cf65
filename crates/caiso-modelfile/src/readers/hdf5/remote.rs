//! Lends borrowed bytes to a library that wants to own its storage, and keeps its failures apart.
//!
//! The library runs in a thread of its own and asks for the ranges it needs. So a file of many gigabytes
//! is not copied, the work it may cause is bounded, and a panic of the library is an error.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use hdf5_reader::error::Error;
use hdf5_reader::storage::{DynStorage, Storage, StorageBuffer};

/// Most bytes that are handed out.
const MAX_SERVED: usize = 1 << 30;
/// Most ranges that are handed out.
const MAX_REQUESTS: usize = 1_000_000;
/// Stack of the thread; the library recurses into nested types.
const STACK: usize = 16 << 20;

struct Request {
    offset: u64,
    length: usize,
    reply: SyncSender<Option<Vec<u8>>>,
}

struct Remote {
    length: u64,
    requests: Sender<Request>,
}

impl Storage for Remote {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_range(&self, offset: u64, length: usize) -> Result<StorageBuffer, Error> {
        let (reply, answer) = sync_channel(1);
        let sent = self.requests.send(Request { offset, length, reply });
        match sent.ok().and_then(|()| answer.recv().ok()).flatten() {
            Some(bytes) => Ok(StorageBuffer::from_vec(bytes)),
            None => Err(Error::Other(format!(
                "bytes {offset} and {length} more are not in the file, or the budget is spent"
            ))),
        }
    }
}

/// Runs `work` on a storage of `bytes`.
pub(super) fn with<T: Send>(
    bytes: &[u8],
    work: impl FnOnce(DynStorage) -> T + Send,
) -> Result<T, String> {
    let (requests, asked) = channel();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let remote = Remote { length, requests };
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, move || work(Arc::new(remote)))
            .map_err(|error| format!("no thread for it: {error}"))?;
        serve(bytes, &asked);
        drop(asked);
        worker.join().map_err(|_| "the HDF5 library gave up on it".to_owned())
    })
}

/// Answers until the worker has let go of its storage.
fn serve(bytes: &[u8], asked: &Receiver<Request>) {
    let (mut served, mut count) = (0_usize, 0_usize);
    for request in asked {
        count = count.saturating_add(1);
        served = served.saturating_add(request.length);
        let range = usize::try_from(request.offset).ok().and_then(|start| {
            let end = start.checked_add(request.length)?;
            bytes.get(start..end)
        });
        let answer = range.filter(|_| served <= MAX_SERVED && count <= MAX_REQUESTS);
        // A worker that has not waited for the answer needs none.
        let _ = request.reply.send(answer.map(<[u8]>::to_vec));
    }
}
