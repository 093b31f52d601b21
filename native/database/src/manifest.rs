//! The manifest: which segments are the log, and what the log itself cannot say.

use crate::bytes::{Put, Take, seal, verified};
use crate::disk::{Access, Disk, read_whole};
use crate::error::{Context, Error, Result};
use crate::segment::SegmentId;

/// The manifest's name.
pub(crate) const NAME: &str = "MANIFEST";
/// What the next one is called before it takes its place.
pub(crate) const NEW_NAME: &str = "MANIFEST.new";
const MAGIC: [u8; 8] = *b"PRDBman\x1a";

/// The version that this library writes; it also reads those before.
pub(crate) const FORMAT: u32 = 4;
/// The version without earlier versions of pictures.
const LATEST_ONLY: u32 = 2;
/// The version without checkpoints.
const LOG_ONLY: u32 = 1;

/// One segment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: SegmentId,
    pub(crate) salt: u64,
    /// Where its last frame ends; None for the one that is being appended to.
    pub(crate) sealed: Option<u64>,
    /// Bytes of its frames with chunks that were in use at the checkpoint.
    pub(crate) used: u64,
}

/// One run of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunEntry {
    pub(crate) tree: u8,
    pub(crate) number: u64,
    pub(crate) salt: u64,
    /// Bytes of the file.
    pub(crate) length: u64,
    /// Entries, tombstones included.
    pub(crate) entries: u64,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) live: u64,
    pub(crate) deleted: u64,
    pub(crate) purged: u64,
    /// Records' tombstones.
    pub(crate) removed: u64,
    pub(crate) blobs: u64,
    pub(crate) blob_bytes: u64,
    /// Earlier versions of rows.
    pub(crate) versions: u64,
}

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogStart {
    /// The segment's number.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// The manifest's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The version that it was read in or will be written in.
    pub(crate) format: u32,
    pub(crate) uuid: [u8; 16],
    /// Counts the manifests of the store.
    pub(crate) epoch: u64,
    /// The last transaction that the runs hold; in format 1 a lower bound of what the log holds.
    pub(crate) seq: u64,
    /// At least: the next row's id, the next blob's number.
    pub(crate) next_id: u64,
    pub(crate) next_blob: u64,
    /// The oldest position from which the feed is complete.
    pub(crate) feed_floor: u64,
    /// Of every purge up to this transaction nothing is left in the files.
    pub(crate) scrubbed: u64,
    /// Where reading of the log begins.
    pub(crate) start: LogStart,
    /// What the runs hold.
    pub(crate) counts: Counts,
    /// The next run's number.
    pub(crate) next_run: u64,
    /// In the log's order; only the last may be unsealed.
    pub(crate) segments: Vec<Entry>,
    /// By tree, the newest first.
    pub(crate) runs: Vec<RunEntry>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self::new([0; 16])
    }
}

impl Manifest {
    /// The manifest of an empty store.
    pub(crate) fn new(uuid: [u8; 16]) -> Self {
        Self {
            format: FORMAT,
            uuid,
            epoch: 0,
            seq: 0,
            next_id: 1,
            next_blob: 1,
            feed_floor: 0,
            scrubbed: 0,
            start: LogStart::default(),
            counts: Counts::default(),
            next_run: 1,
            segments: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Whether it was written before there were checkpoints.
    pub(crate) fn is_log_only(&self) -> bool {
        self.format == LOG_ONLY
    }

    /// Whether it was written by an older library.
    pub(crate) fn is_old(&self) -> bool {
        self.format < FORMAT
    }

    /// Up to this transaction the log says nothing that the runs do not hold.
    pub(crate) fn covered(&self) -> u64 {
        if self.is_log_only() { 0 } else { self.seq }
    }

    /// The number of the next new segment.
    pub(crate) fn next_number(&self) -> u64 {
        self.segments.last().map_or(1, |entry| entry.id.number + 1)
    }

    /// The stored form.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put(&MAGIC);
        bytes.put_u32(self.format);
        bytes.put_u32(u32::try_from(self.segments.len()).unwrap_or(u32::MAX));
        bytes.put(&self.uuid);
        for number in
            [self.epoch, self.seq, self.next_id, self.next_blob, self.feed_floor, self.scrubbed]
        {
            bytes.put_u64(number);
        }
        if !self.is_log_only() {
            let Counts { live, deleted, purged, removed, blobs, blob_bytes, versions } =
                self.counts;
            let LogStart { segment, offset } = self.start;
            for number in [
                segment,
                offset,
                live,
                deleted,
                purged,
                removed,
                blobs,
                blob_bytes,
                self.next_run,
                self.runs.len() as u64,
            ] {
                bytes.put_u64(number);
            }
            if self.format > LATEST_ONLY {
                bytes.put_u64(versions);
            }
        }
        for entry in &self.segments {
            bytes.put_u64(entry.id.number);
            bytes.put_u32(entry.id.generation);
            bytes.put_u32(0);
            bytes.put_u64(entry.salt);
            bytes.put_u64(entry.sealed.unwrap_or(0));
            if !self.is_log_only() {
                bytes.put_u64(entry.used);
            }
        }
        for run in &self.runs {
            bytes.put_u64(run.tree.into());
            for number in [run.number, run.salt, run.length, run.entries] {
                bytes.put_u64(number);
            }
        }
        seal(&mut bytes);
        bytes
    }

    /// Read the stored form of the manifest at `path`.
    pub(crate) fn decode(bytes: &[u8], path: &str) -> Result<Self> {
        let corrupt =
            |what: &str| Error::Corrupt { file: path.to_owned(), offset: 0, what: what.to_owned() };
        let mut beginning = Take::new(bytes);
        if beginning.array() != Some(MAGIC) {
            return Err(corrupt("it is not a store's manifest"));
        }
        let found = beginning.u32().ok_or_else(|| corrupt("it is too short"))?;
        if found > FORMAT {
            return Err(Error::Unsupported { file: path.to_owned(), found, supported: FORMAT });
        }
        let body = verified(bytes).ok_or_else(|| corrupt("it has a wrong checksum"))?;
        Self::decode_body(body, found).ok_or_else(|| corrupt("its fields do not fit together"))
    }

    fn decode_body(body: &[u8], format: u32) -> Option<Self> {
        let mut take = Take::new(body);
        take.take(MAGIC.len() + 4)?;
        (format >= LOG_ONLY).then_some(())?;
        let count = take.u32()?;
        let mut manifest = Self::new(take.array()?);
        manifest.format = format;
        manifest.epoch = take.number()?;
        manifest.seq = take.number()?;
        manifest.next_id = take.number()?;
        manifest.next_blob = take.number()?;
        manifest.feed_floor = take.number()?;
        manifest.scrubbed = take.number()?;
        let mut runs = 0;
        if format > LOG_ONLY {
            manifest.start = LogStart { segment: take.number()?, offset: take.number()? };
            manifest.counts = Counts {
                live: take.number()?,
                deleted: take.number()?,
                purged: take.number()?,
                removed: take.number()?,
                blobs: take.number()?,
                blob_bytes: take.number()?,
                versions: 0,
            };
            manifest.next_run = take.number()?;
            runs = take.number()?;
        }
        if format > LATEST_ONLY {
            manifest.counts.versions = take.number()?;
        }
        for _ in 0..count {
            let (number, generation) = (take.number()?, take.u32()?);
            take.u32()?;
            let (salt, end) = (take.u64()?, take.number()?);
            let used = if format > LOG_ONLY { take.number()? } else { 0 };
            manifest.segments.push(Entry {
                id: SegmentId { number, generation },
                salt,
                sealed: (end != 0).then_some(end),
                used,
            });
        }
        for _ in 0..runs {
            manifest.runs.push(RunEntry {
                tree: u8::try_from(take.number()?).ok()?,
                number: take.number()?,
                salt: take.u64()?,
                length: take.number()?,
                entries: take.number()?,
            });
        }
        take.is_at_end().then_some(manifest)
    }

    /// Read the manifest of a store; None where there is none.
    pub(crate) fn load(disk: &dyn Disk) -> Result<Option<Self>> {
        let path = format!("{}/{NAME}", disk.place());
        let file = match disk.open(NAME, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).doing(|| format!("open {path}")),
        };
        let bytes = read_whole(file.as_ref()).doing(|| format!("read {path}"))?;
        Self::decode(&bytes, &path).map(Some)
    }

    /// Write what will be the manifest, durably, beside the present one. A failure up to here
    /// has changed nothing.
    pub(crate) fn prepare(&self, disk: &dyn Disk) -> Result<()> {
        let action = || format!("write {}/{NEW_NAME}", disk.place());
        let file = disk.open(NEW_NAME, Access::Create).doing(action)?;
        file.write_at(&self.encode(), 0).doing(action)?;
        file.sync().doing(action)
    }

    /// Put the prepared manifest into its place, durably. After a failure either may be there.
    pub(crate) fn switch(disk: &dyn Disk) -> Result<()> {
        disk.rename(NEW_NAME, NAME)
            .and_then(|()| disk.sync_folder())
            .doing(|| format!("replace {}/{NAME}", disk.place()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let id = SegmentId { number: 3, generation: 2 };
        let mut manifest = Manifest::new([7; 16]);
        manifest.segments.push(Entry { id, salt: 9, sealed: Some(128), used: 64 });
        let id = SegmentId { number: 4, ..id };
        manifest.segments.push(Entry { id, salt: 8, sealed: None, used: 0 });
        manifest.runs.push(RunEntry { tree: 1, number: 2, salt: 3, length: 4, entries: 5 });
        manifest
    }

    /// A manifest reads back as it was written; a flipped bit anywhere is an error.
    #[test]
    fn manifests_are_verified() {
        let bytes = sample().encode();
        assert_eq!(Manifest::decode(&bytes, "m").unwrap(), sample());
        for format in [LOG_ONLY, LATEST_ONLY] {
            let mut old = Manifest { format, ..sample() };
            if old.is_log_only() {
                old.runs.clear();
            }
            let old = old.encode();
            assert_eq!(Manifest::decode(&old, "m").unwrap().encode(), old);
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&flipped, "m").is_err(), "bit {bit}");
        }
    }

    /// A newer format is named as such, whatever else the file holds.
    #[test]
    fn newer_formats_are_refused() {
        let mut bytes = sample().encode();
        bytes[8] = 5;
        let error = Manifest::decode(&bytes, "m").unwrap_err();
        assert!(matches!(error, Error::Unsupported { found: 5, supported: 4, .. }), "{error}");
    }
}
