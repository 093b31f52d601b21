//! The one writer: commits are checked, logged, synced and only then seen.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::blob::{BlobWriter, FinishedBlob};
use crate::bytes::{ABSURD, Text, checksum};
use crate::cache::Cache;
use crate::disk::Disk;
use crate::entries::record_table;
use crate::error::{Error, Result};
use crate::frame::{ALIGNMENT, HEADER_BYTES, Kind};
use crate::group::Group;
use crate::locks::locked;
use crate::log::{Draft, Label, Log, Payload, Place};
use crate::options::Options;
use crate::recovery::{Recovered, WriterLock, create, keep_manifest, no_store, recover};
use crate::row::{Hash, NewRow};
use crate::snapshot::Snapshot;
use crate::state::{LooseChunks, Source, State};
use crate::transaction::{Change, resolve};

/// The state of an open store and the means to change it.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) log: Arc<Log>,
    /// Held by whoever changes the logged state.
    pub(crate) committing: Mutex<()>,
    logged: Mutex<Logged>,
    group: Group,
    /// The durable state, which is what others see.
    state: Mutex<Arc<State>>,
    /// The one before, as long as it differs by a transaction alone: freed while the disk writes
    /// the next, when nobody waits for that.
    retired: Mutex<Option<Arc<State>>>,
    lock: Mutex<Option<WriterLock>>,
    next_id: AtomicU64,
    pub(crate) options: Options,
    pub(crate) cache: Arc<Cache>,
    /// Held by whoever makes a checkpoint, merges or rewrites; taken before `committing`.
    pub(crate) upkeep: Mutex<()>,
    /// A thread that makes a checkpoint, or has.
    pub(crate) running: Mutex<Option<JoinHandle<()>>>,
    pub(crate) stopping: AtomicBool,
    /// How far the log had come at the last checkpoint.
    pub(crate) checkpointed: AtomicU64,
    /// Nothing was deleted or replaced before this time, so that collecting what was has nothing
    /// to look for; the least there is while nobody has looked.
    pub(crate) earliest: AtomicI64,
    uuid: [u8; 16],
}

/// The state with all that was logged, durable or not yet: what the next commit is checked
/// against.
#[derive(Clone, Debug)]
struct Logged {
    state: Arc<State>,
    /// Where its last transaction stands; None if that is durable.
    place: Option<Place>,
}

impl Writer {
    /// Open an existing store.
    pub(crate) fn open(disk: &Arc<dyn Disk>, options: Options) -> Result<Self> {
        // Without a folder there is nothing to lock, and none is to be made.
        if disk.list().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Err(no_store(disk.as_ref()));
        }
        let lock = WriterLock::take(disk.as_ref())?;
        Self::start(disk, lock, options)
    }

    /// Open a store, making it if there is none.
    pub(crate) fn create(disk: &Arc<dyn Disk>, options: Options) -> Result<Self> {
        use crate::error::Context;
        disk.make().doing(|| format!("make the folder {}", disk.place()))?;
        let lock = WriterLock::take(disk.as_ref())?;
        create(disk.as_ref())?;
        Self::start(disk, lock, options)
    }

    fn start(disk: &Arc<dyn Disk>, lock: WriterLock, options: Options) -> Result<Self> {
        let cache = Arc::new(Cache::new(options.cache_bytes));
        let Recovered { log, state } = recover(disk, lock.is_clean, options, &cache)?;
        let uuid = log.tail().manifest.uuid;
        let log = Arc::new(log);
        let state = Arc::new(state);
        let writer = Self {
            log,
            committing: Mutex::new(()),
            logged: Mutex::new(Logged { state: Arc::clone(&state), place: None }),
            group: Group::new(state.seq),
            next_id: AtomicU64::new(state.next_id),
            state: Mutex::new(state),
            retired: Mutex::new(None),
            lock: Mutex::new(Some(lock)),
            options,
            cache,
            upkeep: Mutex::new(()),
            running: Mutex::new(None),
            stopping: AtomicBool::new(false),
            checkpointed: AtomicU64::new(0),
            earliest: AtomicI64::new(i64::MIN),
            uuid,
        };
        let start = writer.state().manifest.start;
        let covered = start.segment * options.segment_bytes + start.offset;
        writer.checkpointed.store(covered, Ordering::Relaxed);
        // An older store is upgraded, and a purge that was cut short is brought to its end,
        // before anyone reads; on a full disk both wait.
        match writer.upgrade().and_then(|()| writer.scrub()) {
            Err(Error::Full { .. }) | Ok(()) => Ok(writer),
            Err(error) => Err(error),
        }
    }

    /// Bring a store of an older format into the present one.
    fn upgrade(&self) -> Result<()> {
        if self.state().manifest.is_old() { self.checkpoint() } else { Ok(()) }
    }

    /// Keep a copy of an older format's manifest before another takes its place: an
    /// upgrade touches nothing else.
    pub(crate) fn keep_old_manifest(&self, state: &State) -> Result<()> {
        if state.manifest.is_old() { keep_manifest(self.log.disk.as_ref()) } else { Ok(()) }
    }

    pub(crate) fn uuid(&self) -> [u8; 16] {
        self.uuid
    }

    /// The durable state.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&locked(&self.state))
    }

    /// Have others see `state`; return what they saw, which may be the last of its kind.
    fn publish(&self, state: Arc<State>) -> Arc<State> {
        std::mem::replace(&mut *locked(&self.state), state)
    }

    /// Free what was seen before the last transaction.
    fn free_retired(&self) {
        let retired = locked(&self.retired).take();
        drop(retired);
    }

    /// Put another, durable form of the same content in the state's place. `committing` is held
    /// and everything logged is durable.
    pub(crate) fn replace(&self, state: State) {
        let state = Arc::new(state);
        *locked(&self.logged) = Logged { state: Arc::clone(&state), place: None };
        // It may hold files that are gone.
        self.free_retired();
        drop(self.publish(state));
    }

    /// Wait for everything logged so far. While `committing` is held nothing more is logged, so
    /// the logged state is then the durable one.
    pub(crate) fn drain(&self) -> Result<()> {
        let seq = locked(&self.logged).state.seq;
        self.wait(seq)
    }

    /// Wait until transaction `seq` is durable and seen.
    pub(crate) fn wait(&self, seq: u64) -> Result<()> {
        let sync = || {
            let Logged { state, place } = locked(&self.logged).clone();
            if let Some(place) = place {
                self.log.sync(&place).map_err(|error| error.to_string())?;
            }
            let seq = state.seq;
            let before = locked(&self.retired).replace(self.publish(state));
            drop(before);
            Ok(seq)
        };
        self.group.wait(seq, sync).map_err(Error::OutcomeUnknown)
    }

    pub(crate) fn now_ns(&self) -> i64 {
        (self.options.clock)()
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.load(Ordering::Relaxed)
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        match self.log.usable() {
            Err(Error::Closed) => Err(Error::Closed),
            // What was durable before a write failed can still be read.
            _ => Ok(Snapshot::new(self.state(), self.uuid)),
        }
    }

    pub(crate) fn blob_writer(&self) -> Result<BlobWriter> {
        self.log.usable()?;
        Ok(BlobWriter::new(&self.log))
    }

    pub(crate) fn close(&self) {
        self.end_upkeep();
        let _serial = locked(&self.committing);
        if let Some(lock) = locked(&self.lock).take() {
            // Whoever waits is told by the drain. Nothing depends on the mark; recovery does
            // without.
            _ = self.drain();
            if self.log.finish().is_ok() {
                lock.leave();
            }
            drop(lock);
        }
    }

    fn commit(&self, changes: &[Change], blobs: &[FinishedBlob]) -> Result<u64> {
        self.make_room()?;
        let serial = locked(&self.committing);
        self.log.usable()?;
        let state = Arc::clone(&locked(&self.logged).state);
        let mut draft = Draft::new();
        let now_ns = self.now_ns();
        let resolved = resolve(&state, changes, blobs, now_ns, draft.payload_mut())?;
        // Where nothing changes the answer still rests on what others have just logged.
        let seq = match resolved.count {
            0 => state.seq,
            count => {
                let gives = |change: &Change| {
                    matches!(change, Change::Delete { .. } | Change::Remove { .. })
                };
                let urgent = changes.iter().all(gives);
                let times = changes.iter().map(|change| match change {
                    Change::Delete { when_ns, .. } => *when_ns,
                    _ => now_ns,
                });
                let earliest = times.min().unwrap_or(now_ns).min(now_ns);
                self.earliest.fetch_min(earliest, Ordering::Relaxed);
                let last = state.seq;
                // Nobody else may hold it, so that it can be changed in place.
                drop(state);
                self.append(last, &mut draft, count, &resolved.blobs, urgent)?
            }
        };
        drop(serial);
        self.wait(seq)?;
        Ok(seq)
    }

    /// Do what gives room back; on a full disk with what is kept in reserve for it.
    pub(crate) fn with_reserve<T>(&self, act: impl Fn() -> Result<T>) -> Result<T> {
        match act() {
            Err(Error::Full { .. }) if self.log.reserve.release() => act(),
            outcome => outcome,
        }
    }

    /// Log a checked transaction behind number `last`, not yet durable and not yet seen.
    /// `committing` is held. One that is `urgent` may take what is kept in reserve for a full disk.
    pub(crate) fn append(
        &self,
        last: u64,
        draft: &mut Draft,
        count: u32,
        blobs: &[&FinishedBlob],
        urgent: bool,
    ) -> Result<u64> {
        let seq = last + 1;
        let length = draft.payload().len();
        let check = checksum(draft.payload());
        let alignment = ALIGNMENT;
        // While others are synced a group gathers; the disk is given that as a whole.
        let waits = !self.group.is_syncing();
        let kind = Kind::Transaction;
        let label = Label { kind, key: seq, count, check, alignment, urgent, waits };
        let place = self.log.append(Payload::Draft(draft), label).map_err(|error| match error {
            Error::Poisoned(why) => Error::OutcomeUnknown(why),
            other => other,
        })?;
        self.free_retired();
        // Where it is given up halfway the log is so before anyone sees the state.
        let mut logged = locked(&self.logged);
        let armed = self.log.arm();
        logged.place = Some(place.clone());
        let mut loose: LooseChunks = {
            let mut unnamed = self.log.unnamed();
            let mut take = |blob: &&FinishedBlob| {
                blob.set_named();
                Some((blob.id(), unnamed.remove(&blob.id())?))
            };
            blobs.iter().filter_map(&mut take).collect()
        };
        let payload_at = place.position + HEADER_BYTES;
        let source = Source { segment: &place.segment, payload_at, seq };
        let payload = draft.payload().get(..length).unwrap_or_default();
        // Changed in place where nobody syncs or reads it, which is most of a group.
        let next = Arc::make_mut(&mut logged.state);
        next.apply(&source, payload, count, &mut loose)?;
        next.settle()?;
        next.log = self.log.parts_up_to(&place).into();
        armed.disarm();
        Ok(seq)
    }
}

/// Changes that become durable together or not at all.
#[derive(Debug)]
pub struct Transaction {
    writer: Arc<Writer>,
    changes: Vec<Change>,
    blobs: Vec<FinishedBlob>,
}

impl Transaction {
    pub(crate) fn begin(writer: &Arc<Writer>) -> Result<Self> {
        writer.log.usable()?;
        Ok(Self { writer: Arc::clone(writer), changes: Vec::new(), blobs: Vec::new() })
    }

    /// Add a row and return its id. With `data` its bytes are what was written there.
    pub fn insert(&mut self, mut row: NewRow, data: Option<BlobWriter>) -> Result<u64> {
        self.take_data(&mut row, data)?;
        let id = self.writer.next_id.fetch_add(1, Ordering::Relaxed);
        self.changes.push(Change::Insert { id, row });
        Ok(id)
    }

    /// Store bytes, from where they stand, for rows that this transaction brings with their hash;
    /// without such a row nothing of them is kept.
    pub fn add_bytes(&mut self, data: &[u8]) -> Result<Hash> {
        let blob = BlobWriter::store(&self.writer.log, data)?;
        let hash = blob.hash;
        self.blobs.push(blob);
        Ok(hash)
    }

    /// Put a row under an id of the caller's, new or not.
    pub(crate) fn place(
        &mut self,
        id: u64,
        mut row: NewRow,
        data: Option<BlobWriter>,
    ) -> Result<()> {
        if id >= ABSURD {
            return Err(Error::Invalid(format!("{id} is no picture's number")));
        }
        self.take_data(&mut row, data)?;
        self.writer.next_id.fetch_max(id + 1, Ordering::Relaxed);
        self.changes.push(Change::Insert { id, row });
        Ok(())
    }

    /// Replace a row wholly; it is live afterwards. Unless `expected` is 0 the commit fails
    /// if the row is not at that transaction.
    pub fn update(
        &mut self,
        id: u64,
        mut row: NewRow,
        expected: u64,
        data: Option<BlobWriter>,
    ) -> Result<()> {
        self.take_data(&mut row, data)?;
        self.changes.push(Change::Update { id, row, expected });
        Ok(())
    }

    /// Turn a live row into a tombstone.
    pub fn delete(&mut self, id: u64, when_ns: i64) -> Result<()> {
        if when_ns == 0 {
            return Err(Error::Invalid("a deletion's time is not 0".to_owned()));
        }
        self.changes.push(Change::Delete { id, when_ns });
        Ok(())
    }

    /// Set a record.
    pub fn put(&mut self, table: i32, key: &[u8], value: &[u8]) -> Result<()> {
        let key = (record_table(table)?, record_key(key)?);
        self.changes.push(Change::Put { key, value: value.into() });
        Ok(())
    }

    /// Remove a record; one that is not there is no error.
    pub fn remove(&mut self, table: i32, key: &[u8]) -> Result<()> {
        let key = (record_table(table)?, record_key(key)?);
        self.changes.push(Change::Remove { key });
        Ok(())
    }

    /// Make it durable; return the transaction's number.
    pub fn commit(mut self) -> Result<u64> {
        self.commit_changes()
    }

    /// The same, after which it holds no change, also where that failed.
    pub fn commit_changes(&mut self) -> Result<u64> {
        let (changes, blobs) = (std::mem::take(&mut self.changes), std::mem::take(&mut self.blobs));
        let seq = self.writer.commit(&changes, &blobs)?;
        self.writer.keep_up();
        Ok(seq)
    }

    /// Give up what it holds.
    pub fn forget_changes(&mut self) {
        self.changes.clear();
        self.blobs.clear();
    }

    fn take_data(&mut self, row: &mut NewRow, data: Option<BlobWriter>) -> Result<()> {
        row.validate()?;
        if let Some(data) = data {
            let blob = data.finish()?;
            row.content_hash = blob.hash;
            row.has_data = true;
            self.blobs.push(blob);
        }
        Ok(())
    }
}

fn record_key(key: &[u8]) -> Result<Text> {
    if key.is_empty() {
        return Err(Error::Invalid("a record's key is not empty".to_owned()));
    }
    Ok(key.into())
}
