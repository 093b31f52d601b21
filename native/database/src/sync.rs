//! What the commit queue waits with; its test puts others in their place.

pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
