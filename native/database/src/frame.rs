//! Frames: what a log segment is made of after its header. FORMAT.md draws them.

use crate::bytes::{Put, Take, checksum, seal, verified};

/// First bytes of every frame.
pub(crate) const MAGIC: [u8; 4] = *b"PRf\x1a";
/// Version of the frame's layout.
const VERSION: u8 = 1;
/// Bytes of the header.
pub(crate) const HEADER: usize = 64;
/// The same, as a file's offset.
pub(crate) const HEADER_BYTES: u64 = HEADER as u64;
/// Frames begin at multiples of this.
pub(crate) const ALIGNMENT: u64 = STRIDE as u64;
/// The same, as a length.
pub(crate) const STRIDE: usize = 8;
/// Bytes of a blob that one chunk frame holds; only the last one of a blob may hold less.
pub(crate) const CHUNK: usize = 1 << 20;
/// Where a blob has several chunks their bytes begin at multiples of this, so that they can be
/// mapped into memory as if they stood together.
pub(crate) const PAGE: usize = 4096;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A piece of a blob; `key` is the blob's number, `count` the piece's.
    Chunk,
    /// A transaction; `key` is its number, `count` that of its operations.
    Transaction,
    /// Nothing: zeros, so that the next frame's payload begins where it should.
    Padding,
}

/// The header, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Of the segment, so that no frame of another one is taken for its own.
    pub(crate) salt: u64,
    pub(crate) key: u64,
    /// Everything in this segment below this offset was on the disk when the frame was made.
    pub(crate) durable: u64,
    /// Where in the segment the frame begins.
    pub(crate) position: u64,
    /// Bytes of payload.
    pub(crate) length: u32,
    pub(crate) count: u32,
    /// Of the payload.
    pub(crate) check: u64,
}

/// Bytes that a frame takes with header and padding.
pub(crate) fn extent(payload: usize) -> u64 {
    (HEADER_BYTES + payload as u64).next_multiple_of(ALIGNMENT)
}

/// What the place of a chunk's bytes is to be a multiple of, where blobs are cut into chunks of
/// `whole` bytes: one that is alone and short may stand anywhere.
pub(crate) fn chunk_alignment(index: u32, length: usize, whole: usize) -> u64 {
    if index > 0 || length >= whole { whole.min(PAGE) as u64 } else { ALIGNMENT }
}

/// The frame that must stand at `position` so that the payload of the next one is aligned to
/// `alignment`, a power of two; empty where none is needed.
pub(crate) fn padding(position: u64, salt: u64, durable: u64, alignment: u64) -> Vec<u8> {
    let aligned = |at: u64| (at + HEADER_BYTES).is_multiple_of(alignment);
    if aligned(position) {
        return Vec::new();
    }
    let least = position + HEADER_BYTES;
    let next = (least + HEADER_BYTES).next_multiple_of(alignment) - HEADER_BYTES;
    let length = usize::try_from(next - least).unwrap_or_default();
    let zeros = vec![0; length];
    let header = Header {
        kind: Kind::Padding,
        salt,
        key: 0,
        durable,
        position,
        length: u32::try_from(length).unwrap_or_default(),
        count: 0,
        check: checksum(&zeros),
    };
    debug_assert!(aligned(header.end()));
    [header.encode(), zeros].concat()
}

impl Header {
    /// Where the next frame begins.
    pub(crate) fn end(&self) -> u64 {
        self.position + extent(self.length as usize)
    }

    /// The stored form, [`HEADER`] bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.put(&MAGIC);
        bytes.put_u8(VERSION);
        bytes.put_u8(match self.kind {
            Kind::Chunk => 1,
            Kind::Transaction => 2,
            Kind::Padding => 3,
        });
        bytes.put(&[0; 2]);
        bytes.put_u64(self.salt);
        bytes.put_u64(self.key);
        bytes.put_u64(self.durable);
        bytes.put_u64(self.position);
        bytes.put_u32(self.length);
        bytes.put_u32(self.count);
        bytes.put_u64(self.check);
        seal(&mut bytes);
        debug_assert_eq!(bytes.len(), HEADER);
        bytes
    }

    /// Read a header found at `position` of a segment with `salt`; else say what is wrong.
    pub(crate) fn decode(bytes: &[u8], salt: u64, position: u64) -> Result<Self, &'static str> {
        const SHORT: &str = "the file ends within a frame's header";
        let bytes = bytes.get(..HEADER).ok_or(SHORT)?;
        let body = verified(bytes).ok_or("a frame's header has a wrong checksum")?;
        let mut take = Take::new(body);
        if take.array() != Some(MAGIC) || take.u8() != Some(VERSION) {
            return Err("a frame's header has a wrong beginning");
        }
        let kind = match take.u8() {
            Some(1) => Kind::Chunk,
            Some(2) => Kind::Transaction,
            Some(3) => Kind::Padding,
            _ => return Err("a frame is of an unknown kind"),
        };
        take.take(2);
        let fields = (|| {
            Some(Self {
                kind,
                salt: take.u64()?,
                key: take.number()?,
                durable: take.number()?,
                position: take.number()?,
                length: take.u32()?,
                count: take.u32()?,
                check: take.u64()?,
            })
        })();
        let header = fields.ok_or("a frame's header has an absurd number")?;
        if header.salt != salt || header.position != position {
            return Err("a frame belongs to another place");
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Header = Header {
        kind: Kind::Chunk,
        salt: 1,
        key: 2,
        durable: 64,
        position: 128,
        length: 5,
        count: 3,
        check: 4,
    };

    /// A header reads back as it was written, and no single flipped bit goes unnoticed.
    #[test]
    fn headers_are_verified() {
        let bytes = SAMPLE.encode();
        assert_eq!(Header::decode(&bytes, 1, 128), Ok(SAMPLE));
        for bit in 0..HEADER * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&flipped, 1, 128).is_err(), "bit {bit}");
        }
    }

    /// Wherever a frame of padding begins, the payload behind it is aligned, and it is no longer
    /// than that takes.
    #[test]
    fn padding_aligns_what_follows() {
        for alignment in [8, 512, 4096_u64] {
            for position in (64..9_000).step_by(STRIDE) {
                let bytes = padding(position, 1, 64, alignment);
                let end = position + bytes.len() as u64;
                assert_eq!((end + HEADER_BYTES) % alignment, 0, "{position}, {alignment}");
                assert!(bytes.len() as u64 <= alignment + HEADER_BYTES);
                if !bytes.is_empty() {
                    let header = Header::decode(&bytes, 1, position).unwrap();
                    assert_eq!((header.kind, header.end()), (Kind::Padding, end));
                    assert_eq!(checksum(&bytes[HEADER..]), header.check);
                }
            }
        }
    }

    /// A frame copied to another offset or segment is refused.
    #[test]
    fn headers_are_bound_to_their_place() {
        let bytes = SAMPLE.encode();
        assert!(Header::decode(&bytes, 9, 128).is_err());
        assert!(Header::decode(&bytes, 1, 192).is_err());
        assert_eq!(SAMPLE.end(), 128 + 72);
    }
}
