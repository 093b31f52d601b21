//! Taking locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Take a lock. A panic elsewhere leaves no half-made change behind these locks that would not
/// be noticed by the checks that follow.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
