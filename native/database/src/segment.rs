//! Log segments: numbered, append-only files of frames.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::bytes::{Put, Take, checksum, is_blank, seal, verified};
use crate::disk::{Access, Disk, DiskFile, read_full};
use crate::error::{Context, Error, Result};
use crate::frame::HEADER_BYTES;
use crate::verified::Verified;

const MAGIC: [u8; 8] = *b"PRDBseg\x1a";
/// Version of a segment's layout.
const FORMAT: u32 = 1;
const HEADER: usize = 64;
/// Bytes that are read at once in search of anything but zeros.
const BLANK: usize = 1 << 20;
/// Where a segment's first frame begins.
pub(crate) const FIRST_FRAME: u64 = HEADER as u64;
const _: () = assert!(FIRST_FRAME == HEADER_BYTES);

/// Which segment: its place in the log, and how often that place was rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentId {
    pub(crate) number: u64,
    pub(crate) generation: u32,
}

impl SegmentId {
    /// The file's name.
    pub(crate) fn name(self) -> String {
        format!("{:08}-{:04}.log", self.number, self.generation)
    }

    /// Whether a file's name is that of some segment.
    pub(crate) fn is_name(name: &str) -> bool {
        name.strip_suffix(".log").and_then(|stem| stem.split_once('-')).is_some_and(
            |(number, generation)| {
                number.parse::<u64>().is_ok() && generation.parse::<u32>().is_ok()
            },
        )
    }
}

/// Read a header without its checksum: the store's uuid, the segment's id and salt.
fn read_header(body: &[u8]) -> Option<([u8; 16], SegmentId, u64)> {
    let mut take = Take::new(body);
    (take.array() == Some(MAGIC) && take.u32() == Some(FORMAT)).then_some(())?;
    let generation = take.u32()?;
    let uuid = take.array()?;
    let (number, salt) = (take.u64()?, take.u64()?);
    Some((uuid, SegmentId { number, generation }, salt))
}

/// An open segment. Whoever holds one can read it, also once its name is gone.
pub(crate) struct Segment {
    pub(crate) id: SegmentId,
    pub(crate) salt: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Serialises syncs: the kernel tells a failed one to one caller only, so the next may
    /// begin only after the failure is known to all.
    pub(crate) syncing: Mutex<()>,
    /// Which chunks' bytes were found right.
    pub(crate) verified: Verified,
    path: String,
}

impl fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Segment({})", self.path)
    }
}

impl Segment {
    /// Make the file with its header, not yet durable.
    pub(crate) fn create(
        disk: &dyn Disk,
        uuid: [u8; 16],
        id: SegmentId,
        salt: u64,
    ) -> Result<Self> {
        let segment = Self::new(disk, id, salt, Access::Create)?;
        segment.write(&Self::header(uuid, id, salt), 0)?;
        Ok(segment)
    }

    /// The first bytes of a segment.
    pub(crate) fn header(uuid: [u8; 16], id: SegmentId, salt: u64) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER);
        header.put(&MAGIC);
        header.put_u32(FORMAT);
        header.put_u32(id.generation);
        header.put(&uuid);
        header.put_u64(id.number);
        header.put_u64(salt);
        header.put_u64(0);
        seal(&mut header);
        debug_assert_eq!(header.len(), HEADER);
        header
    }

    /// Open the file and verify that it is the one that the manifest means.
    pub(crate) fn open(
        disk: &dyn Disk,
        uuid: [u8; 16],
        id: SegmentId,
        salt: u64,
        access: Access,
    ) -> Result<Self> {
        let segment = Self::new(disk, id, salt, access)?;
        let mut bytes = [0; HEADER];
        let count = read_full(segment.file.as_ref(), &mut bytes, 0)
            .doing(|| format!("read {}", segment.path))?;
        let body = bytes.get(..count).filter(|bytes| bytes.len() == HEADER).and_then(verified);
        let body = body.ok_or_else(|| segment.corrupt(0, "its header is broken"))?;
        if read_header(body) != Some((uuid, id, salt)) {
            return Err(segment.corrupt(0, "its header belongs to another segment or store"));
        }
        Ok(segment)
    }

    /// What a file says of itself, if it is a segment: the store's uuid, its id and salt.
    pub(crate) fn identify(disk: &dyn Disk, name: &str) -> Option<([u8; 16], SegmentId, u64)> {
        if !SegmentId::is_name(name) {
            return None;
        }
        let file = disk.open(name, Access::Read).ok()?;
        let mut bytes = [0; HEADER];
        read_full(file.as_ref(), &mut bytes, 0).ok()?;
        read_header(verified(&bytes)?)
    }

    fn new(disk: &dyn Disk, id: SegmentId, salt: u64, access: Access) -> Result<Self> {
        let name = id.name();
        let path = format!("{}/{name}", disk.place());
        let file = disk.open(&name, access).doing(|| format!("open {path}"))?;
        let (syncing, verified) = (Mutex::new(()), Verified::default());
        Ok(Self { id, salt, file, syncing, verified, path })
    }

    /// The file's path, for messages.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The error that names this file and `offset`.
    pub(crate) fn corrupt(&self, offset: u64, what: impl Into<String>) -> Error {
        Error::Corrupt { file: self.path.clone(), offset, what: what.into() }
    }

    /// The file's present length.
    pub(crate) fn length(&self) -> Result<u64> {
        self.file.length().doing(|| format!("measure {}", self.path))
    }

    /// Whether the file holds nothing but zeros from `offset` on.
    pub(crate) fn is_blank(&self, mut offset: u64) -> Result<bool> {
        let left = self.length()?.saturating_sub(offset);
        let mut buffer = vec![0; usize::try_from(left).unwrap_or(BLANK).clamp(1, BLANK)];
        loop {
            let count = self.read(&mut buffer, offset)?;
            if !is_blank(buffer.get(..count).unwrap_or_default()) {
                return Ok(false);
            }
            if count < buffer.len() {
                return Ok(true);
            }
            offset += count as u64;
        }
    }

    /// Give back what was filled ahead in vain. It is only space, so a failure is no matter.
    pub(crate) fn trim(&self, end: u64) {
        if self.length().is_ok_and(|length| length > end) {
            _ = self.file.truncate(end);
        }
    }

    /// Write at `offset`.
    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_at(bytes, offset).doing(|| format!("write {}", self.path))
    }

    /// Write what follows on each other, at `offset`.
    pub(crate) fn write_parts(&self, parts: [&[u8]; 3], offset: u64) -> Result<()> {
        self.file.write_parts_at(parts, offset).doing(|| format!("write {}", self.path))
    }

    /// Make everything written durable.
    pub(crate) fn sync(&self) -> Result<()> {
        self.file.sync().doing(|| format!("sync {}", self.path))
    }

    /// Fill `buffer` from `offset`; less only at the end of the file.
    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        read_full(self.file.as_ref(), buffer, offset).doing(|| format!("read {}", self.path))
    }

    /// Fill `buffer` from `offset`; that the file ends before is damage.
    pub(crate) fn read_whole(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        if self.read(buffer, offset)? < buffer.len() {
            return Err(self.corrupt(offset, "the file ends too early"));
        }
        Ok(())
    }

    /// Fill `buffer` from `offset` and compare it with its checksum, unless it was found right
    /// since the file was opened.
    pub(crate) fn read_verified(&self, buffer: &mut [u8], offset: u64, check: u64) -> Result<()> {
        self.read_whole(buffer, offset)?;
        if !self.verified.has(offset, buffer.len()) {
            if checksum(buffer) != check {
                return Err(self.corrupt(offset, "stored bytes have a wrong checksum"));
            }
            self.verified.note(offset, buffer.len());
        }
        Ok(())
    }
}

/// The part of a segment that belongs to some state.
#[derive(Clone, Debug)]
pub(crate) struct SegmentPart {
    pub(crate) segment: Arc<Segment>,
    /// Where the part ends.
    pub(crate) end: u64,
}
