//! How many requests run at a time, and how many start in a second.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The lock, also after a panic of another holder: nothing is left half-changed under any lock of this crate.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until told, with the lock given back meanwhile.
pub(crate) fn waited<'a, T>(told: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    told.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Lets requests through one by one.
pub(crate) struct Limits {
    free: Mutex<usize>,
    freed: Condvar,
    /// When the next request may start.
    next: Mutex<Instant>,
    interval: Duration,
}

/// A request that runs; dropped when it has ended.
pub(crate) struct Permit<'a>(&'a Limits);

impl Limits {
    pub(crate) fn new(concurrency: usize, interval: Duration) -> Self {
        Self {
            free: Mutex::new(concurrency.max(1)),
            freed: Condvar::new(),
            next: Mutex::new(Instant::now()),
            interval,
        }
    }

    /// Waits for a free place and for the next time at which a request may start.
    pub(crate) fn enter(&self) -> Permit<'_> {
        let mut free = locked(&self.free);
        while *free == 0 {
            free = waited(&self.freed, free);
        }
        *free -= 1;
        drop(free);
        let permit = Permit(self);
        let start = {
            let mut next = locked(&self.next);
            let start = (*next).max(Instant::now());
            *next = start + self.interval;
            start
        };
        sleep(start.saturating_duration_since(Instant::now()));
        permit
    }

    /// Lets no request start for a while.
    pub(crate) fn pause(&self, pause: Duration) {
        let mut next = locked(&self.next);
        *next = (*next).max(Instant::now() + pause);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *locked(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}
