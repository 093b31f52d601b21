//! The manifest: which segments are the log, and what the log itself cannot say.

use crate::bytes::{Put, Take, seal, verified};
use crate::disk::{Access, Disk, read_whole};
use crate::error::{Context, Error, Result};
use crate::segment::{FORMAT, SegmentId};

/// The manifest's name.
pub(crate) const NAME: &str = "MANIFEST";
/// What the next one is called before it takes its place.
pub(crate) const NEW_NAME: &str = "MANIFEST.new";
const MAGIC: [u8; 8] = *b"PRDBman\x1a";

/// One segment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: SegmentId,
    pub(crate) salt: u64,
    /// Where its last frame ends; None for the one that is being appended to.
    pub(crate) sealed: Option<u64>,
}

/// The manifest's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) uuid: [u8; 16],
    /// Counts the manifests of the store.
    pub(crate) epoch: u64,
    /// At least: the last transaction, the next row's id, the next blob's number. The log may
    /// know more, or less where collecting dropped the frames that knew.
    pub(crate) seq: u64,
    pub(crate) next_id: u64,
    pub(crate) next_blob: u64,
    /// The oldest position from which the feed is complete.
    pub(crate) feed_floor: u64,
    /// Of every purge up to this transaction nothing is left in the files.
    pub(crate) scrubbed: u64,
    /// In the log's order; only the last may be unsealed.
    pub(crate) segments: Vec<Entry>,
}

impl Manifest {
    /// The manifest of an empty store.
    pub(crate) fn new(uuid: [u8; 16]) -> Self {
        Self {
            uuid,
            epoch: 0,
            seq: 0,
            next_id: 1,
            next_blob: 1,
            feed_floor: 0,
            scrubbed: 0,
            segments: Vec::new(),
        }
    }

    /// The number of the next new segment.
    pub(crate) fn next_number(&self) -> u64 {
        self.segments.last().map_or(1, |entry| entry.id.number + 1)
    }

    /// The stored form.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put(&MAGIC);
        bytes.put_u32(FORMAT);
        bytes.put_u32(u32::try_from(self.segments.len()).unwrap_or(u32::MAX));
        bytes.put(&self.uuid);
        for number in
            [self.epoch, self.seq, self.next_id, self.next_blob, self.feed_floor, self.scrubbed]
        {
            bytes.put_u64(number);
        }
        for entry in &self.segments {
            bytes.put_u64(entry.id.number);
            bytes.put_u32(entry.id.generation);
            bytes.put_u32(0);
            bytes.put_u64(entry.salt);
            bytes.put_u64(entry.sealed.unwrap_or(0));
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
        let mut take = Take::new(body);
        take.take(MAGIC.len() + 4);
        (|| {
            let count = take.u32()?;
            let mut manifest = Self {
                uuid: take.array()?,
                epoch: take.u64()?,
                seq: take.u64()?,
                next_id: take.u64()?,
                next_blob: take.u64()?,
                feed_floor: take.u64()?,
                scrubbed: take.u64()?,
                segments: Vec::new(),
            };
            for _ in 0..count {
                let (number, generation) = (take.u64()?, take.u32()?);
                take.u32()?;
                let (salt, end) = (take.u64()?, take.u64()?);
                manifest.segments.push(Entry {
                    id: SegmentId { number, generation },
                    salt,
                    sealed: (end != 0).then_some(end),
                });
            }
            take.is_at_end().then_some(manifest)
        })()
        .ok_or_else(|| corrupt("its fields do not fit together"))
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
        manifest.segments.push(Entry { id, salt: 9, sealed: Some(128) });
        manifest.segments.push(Entry { id: SegmentId { number: 4, ..id }, salt: 8, sealed: None });
        manifest
    }

    /// A manifest reads back as it was written; a flipped bit anywhere is an error.
    #[test]
    fn manifests_are_verified() {
        let bytes = sample().encode();
        assert_eq!(Manifest::decode(&bytes, "m").unwrap(), sample());
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
        bytes[8] = 2;
        let error = Manifest::decode(&bytes, "m").unwrap_err();
        assert!(matches!(error, Error::Unsupported { found: 2, supported: 1, .. }), "{error}");
    }
}
