//! A disk in memory that keeps apart what was written from what would survive a power cut, and
//! that can fail or lose its power at any call.
//!
//! A power cut keeps, drops or tears every unsynced write on its own, in pieces of 512 bytes;
//! creations, renames and removals since the folder's last sync survive or not in the same way, each
//! whatever became of those before it. Reads see everything that was written, as with a page cache.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests are small")]

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};

use picturerail_database::{Access, Disk, DiskFile, Lock};

const SECTOR: usize = 512;

/// Pseudo-random numbers (`SplitMix64`, Steele, Lea and Flood 2014), so that a seed is enough to
/// see a failure again.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// What goes wrong, and at which of the calls that change something, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The power is cut: this call may have happened in part, no later one happens.
    PowerCut(u64),
    /// The call fails once; later ones work again.
    Fail(u64, ErrorKind),
    /// The call and all later ones fail.
    FailFrom(u64, ErrorKind),
}

#[derive(Clone, Debug, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync.
    pending: Vec<(u64, Vec<u8>)>,
    /// Emptied since the last sync, before those writes.
    emptied: bool,
}

#[derive(Clone, Debug)]
enum FolderChange {
    Link(String, usize),
    /// From, to, and the file: the new name may survive where the old one never came to the disk.
    Rename(String, String, usize),
    Remove(String),
}

#[derive(Debug)]
struct Inner {
    files: Vec<Content>,
    live: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<FolderChange>,
    fault: Fault,
    calls: u64,
    dead: bool,
    random: Random,
    /// How many reads there were, and which of them fail.
    reads: u64,
    failing_reads: Range<u64>,
    /// Bytes that all files together may have.
    room: usize,
    /// What syncs of files wait for.
    gate: Option<Arc<Gate>>,
    /// The network file system that the disk is.
    network: Option<&'static str>,
    /// What the disk was told to begin to write: offsets and lengths.
    started: Vec<(u64, u64)>,
}

/// Lets nobody through until it is opened.
#[derive(Debug, Default)]
pub struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        drop(self.opened.wait_while(is_open, |is_open| !*is_open).unwrap());
    }
}

/// The disk. Clones share it.
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    index: usize,
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

impl Inner {
    /// A disk with nothing on it, which nobody has used yet.
    fn blank(random: Random) -> Self {
        Self {
            files: Vec::new(),
            live: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: Vec::new(),
            fault: Fault::None,
            calls: 0,
            dead: false,
            random,
            reads: 0,
            failing_reads: 0..0,
            room: usize::MAX,
            gate: None,
            network: None,
            started: Vec::new(),
        }
    }

    /// Count a changing call; return whether it happens, or fail it.
    fn change(&mut self) -> io::Result<bool> {
        if self.dead {
            return Err(power_is_off());
        }
        let call = self.calls;
        self.calls += 1;
        match self.fault {
            Fault::PowerCut(at) if call == at => {
                self.dead = true;
                Ok(false)
            }
            Fault::Fail(at, kind) if call == at => Err(kind.into()),
            Fault::FailFrom(at, kind) if call >= at => Err(kind.into()),
            _ => Ok(true),
        }
    }

    fn apply(names: &mut BTreeMap<String, usize>, change: &FolderChange) {
        match change {
            FolderChange::Link(name, index) => _ = names.insert(name.clone(), *index),
            FolderChange::Rename(from, to, index) => {
                if names.get(from) == Some(index) {
                    names.remove(from);
                }
                names.insert(to.clone(), *index);
            }
            FolderChange::Remove(name) => _ = names.remove(name),
        }
    }

    fn change_folder(&mut self, change: FolderChange) -> io::Result<()> {
        let happens = self.change()?;
        Self::apply(&mut self.live, &change);
        self.pending.push(change);
        if happens { Ok(()) } else { Err(power_is_off()) }
    }
}

fn write(bytes: &mut Vec<u8>, data: &[u8], offset: usize) {
    if bytes.len() < offset + data.len() {
        bytes.resize(offset + data.len(), 0);
    }
    bytes[offset..offset + data.len()].copy_from_slice(data);
}

impl SimDisk {
    pub fn new(fault: Fault, seed: u64) -> Self {
        Self::of(Inner { fault, ..Inner::blank(Random(seed)) })
    }

    fn of(inner: Inner) -> Self {
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Let all files together have so many bytes.
    pub fn limit(&self, room: usize) {
        self.0.lock().unwrap().room = room;
    }

    /// Have every sync of a file wait from now on until the gate is opened.
    pub fn hold_syncs(&self) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        self.0.lock().unwrap().gate = Some(Arc::clone(&gate));
        gate
    }

    /// Be a network file system.
    pub fn lie_on(&self, network: &'static str) {
        self.0.lock().unwrap().network = Some(network);
    }

    /// What the disk was told to begin to write since the last time: offsets and lengths.
    pub fn take_started(&self) -> Vec<(u64, u64)> {
        std::mem::take(&mut self.0.lock().unwrap().started)
    }

    /// How many changing calls there were.
    pub fn calls(&self) -> u64 {
        self.0.lock().unwrap().calls
    }

    /// Have reads fail, counted from 0 on from here.
    pub fn fail_reads(&self, failing: Range<u64>) {
        let mut inner = self.0.lock().unwrap();
        (inner.reads, inner.failing_reads) = (0, failing);
    }

    /// How many reads there were since the disk was made or told to fail some.
    pub fn reads(&self) -> u64 {
        self.0.lock().unwrap().reads
    }

    /// What the next start finds after the power came back; a new disk with its own fault.
    pub fn after_power_cut(&self, fault: Fault) -> Self {
        let mut inner = self.0.lock().unwrap();
        let mut random = inner.random.clone();
        let mut names = inner.durable.clone();
        for change in &inner.pending {
            if random.below(2) == 0 {
                Inner::apply(&mut names, change);
            }
        }
        let files = inner.files.iter().map(|file| file.after_power_cut(&mut random)).collect();
        inner.random = random.clone();
        Self::of(Inner {
            files,
            live: names.clone(),
            durable: names,
            fault,
            ..Inner::blank(random)
        })
    }

    /// What the next start finds after only the process died.
    pub fn after_kill(&self) -> Self {
        self.after_kill_with(Fault::None)
    }

    /// The same, with a fault of its own.
    pub fn after_kill_with(&self, fault: Fault) -> Self {
        let inner = self.0.lock().unwrap();
        Self::of(Inner {
            files: inner.files.clone(),
            live: inner.live.clone(),
            durable: inner.durable.clone(),
            pending: inner.pending.clone(),
            fault,
            ..Inner::blank(inner.random.clone())
        })
    }

    /// All files as they read now.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let inner = self.0.lock().unwrap();
        let read = |index: &usize| inner.files[*index].live.clone();
        inner.live.iter().map(|(name, index)| (name.clone(), read(index))).collect()
    }

    /// Change a file behind everybody's back.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.0.lock().unwrap();
        let index = inner.live[name];
        let file = &mut inner.files[index];
        change(&mut file.live);
        file.durable = file.live.clone();
        file.emptied = false;
        file.pending.clear();
    }
}

impl Content {
    fn after_power_cut(&self, random: &mut Random) -> Self {
        let mut bytes = self.durable.clone();
        if self.emptied && random.below(2) == 0 {
            bytes.clear();
        }
        for (offset, data) in &self.pending {
            match random.below(3) {
                0 => {}
                1 => write(&mut bytes, data, *offset as usize),
                _ => {
                    for (index, sector) in data.chunks(SECTOR).enumerate() {
                        if random.below(2) == 0 {
                            write(&mut bytes, sector, *offset as usize + index * SECTOR);
                        }
                    }
                }
            }
        }
        Self { live: bytes.clone(), durable: bytes, pending: Vec::new(), emptied: false }
    }
}

impl Disk for SimDisk {
    fn place(&self) -> String {
        "sim".to_owned()
    }

    fn network(&self) -> io::Result<Option<&'static str>> {
        Ok(self.0.lock().unwrap().network)
    }

    fn make(&self) -> io::Result<()> {
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().live.keys().cloned().collect())
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut inner = self.0.lock().unwrap();
        if inner.dead {
            return Err(power_is_off());
        }
        let found = inner.live.get(name).copied();
        let index = match (found, access) {
            (Some(index), Access::Read | Access::Write | Access::WriteOrCreate) => index,
            (None, Access::Read | Access::Write) => return Err(ErrorKind::NotFound.into()),
            (Some(index), Access::Create) => {
                let happens = inner.change()?;
                let file = &mut inner.files[index];
                file.live.clear();
                file.pending.clear();
                file.emptied = true;
                if !happens {
                    return Err(power_is_off());
                }
                index
            }
            (None, Access::Create | Access::WriteOrCreate) => {
                inner.files.push(Content::default());
                let index = inner.files.len() - 1;
                inner.change_folder(FolderChange::Link(name.to_owned(), index))?;
                index
            }
        };
        Ok(Arc::new(SimFile { disk: self.clone(), index }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        let index = *inner.live.get(from).ok_or(ErrorKind::NotFound)?;
        inner.change_folder(FolderChange::Rename(from.to_owned(), to.to_owned(), index))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().change_folder(FolderChange::Remove(name.to_owned()))
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        if !inner.change()? {
            return Err(power_is_off());
        }
        inner.durable = inner.live.clone();
        inner.pending.clear();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut inner = self.disk.0.lock().unwrap();
        inner.reads += 1;
        if inner.failing_reads.contains(&(inner.reads - 1)) {
            return Err(io::Error::other("the disk cannot read"));
        }
        let bytes = &inner.files[self.index].live;
        let begin = (offset as usize).min(bytes.len());
        let count = buffer.len().min(bytes.len() - begin);
        buffer[..count].copy_from_slice(&bytes[begin..begin + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut inner = self.disk.0.lock().unwrap();
        let happens = inner.change()?;
        let taken: usize = inner.live.values().map(|index| inner.files[*index].live.len()).sum();
        let end = offset as usize + bytes.len();
        let grows = end.saturating_sub(inner.files[self.index].live.len());
        if taken + grows > inner.room {
            return Err(ErrorKind::StorageFull.into());
        }
        let file = &mut inner.files[self.index];
        write(&mut file.live, bytes, offset as usize);
        file.pending.push((offset, bytes.to_vec()));
        if happens { Ok(()) } else { Err(power_is_off()) }
    }

    /// A power cut may keep any unsynced write, so there is nothing more to model.
    fn start_sync(&self, offset: u64, length: u64) {
        self.disk.0.lock().unwrap().started.push((offset, length));
    }

    fn sync(&self) -> io::Result<()> {
        let gate = self.disk.0.lock().unwrap().gate.clone();
        if let Some(gate) = gate {
            gate.pass();
        }
        let mut inner = self.disk.0.lock().unwrap();
        match inner.change() {
            Ok(true) => {
                let file = &mut inner.files[self.index];
                if std::mem::take(&mut file.emptied) {
                    file.durable.clear();
                }
                for (offset, data) in std::mem::take(&mut file.pending) {
                    write(&mut file.durable, &data, offset as usize);
                }
                Ok(())
            }
            Ok(false) => Err(power_is_off()),
            // A failed sync loses the pages and calls them clean: memory still shows them.
            Err(error) => {
                inner.files[self.index].pending.clear();
                Err(error)
            }
        }
    }

    /// Modelled as durable at once or not at all: nothing reads beyond.
    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut inner = self.disk.0.lock().unwrap();
        let happens = inner.change()?;
        let kept = inner.random.below(2) == 0;
        let file = &mut inner.files[self.index];
        let pending = file.pending.iter().any(|(offset, data)| offset + data.len() as u64 > length);
        if happens || kept {
            file.live.truncate(length as usize);
            if !pending {
                file.durable.truncate(length as usize);
            }
        }
        if happens { Ok(()) } else { Err(power_is_off()) }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().unwrap().files[self.index].live.len() as u64)
    }

    fn forget_cache(&self) -> io::Result<()> {
        let mut inner = self.disk.0.lock().unwrap();
        let file = &mut inner.files[self.index];
        let mut bytes = if file.emptied { Vec::new() } else { file.durable.clone() };
        for (offset, data) in &file.pending {
            write(&mut bytes, data, *offset as usize);
        }
        file.live = bytes;
        Ok(())
    }

    fn try_lock(&self, _: Lock) -> io::Result<bool> {
        Ok(true)
    }

    fn lock(&self) -> io::Result<()> {
        Ok(())
    }
}
