//! Operations: what a transaction frame's payload is made of. FORMAT.md draws them.

use crate::bytes::{Put, Take};
use crate::row::{Hash, Stat};

/// Bytes in a payload and where in it they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Field<'a> {
    /// A field that is about to be encoded; where it will stand is not known yet.
    pub(crate) fn unplaced(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(take: &mut Take<'a>, length: usize) -> Option<Self> {
        let at = take.position();
        Some(Self { bytes: take.take(length)?, at })
    }
}

/// A row, wholly: later ones replace earlier ones, and a deletion is one with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageOp<'a> {
    pub(crate) id: u64,
    pub(crate) root: u32,
    pub(crate) has_data: bool,
    pub(crate) deleted_ns: i64,
    pub(crate) data_length: u64,
    pub(crate) content_hash: Hash,
    pub(crate) stat: Stat,
    pub(crate) path: &'a [u8],
    pub(crate) filename: &'a [u8],
    pub(crate) metadata: Field<'a>,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op<'a> {
    /// A row's new state.
    Image(ImageOp<'a>),
    /// The row with this id is gone.
    Purge(u64),
    /// A record's new value.
    Record { table: u8, key: &'a [u8], value: Field<'a> },
    /// A record is gone.
    Removal { table: u8, key: &'a [u8] },
    /// Blob number `id`, whose `chunks` stand earlier in the log, is the content `hash`.
    Blob { hash: Hash, id: u64, length: u64, chunks: u32 },
}

const IMAGE: u8 = 1;
const PURGE: u8 = 2;
const RECORD: u8 = 3;
const REMOVAL: u8 = 4;
const BLOB: u8 = 5;
const HAS_DATA: u8 = 1;

fn put_text(out: &mut Vec<u8>, bytes: &[u8]) {
    // Checked when the change was taken in: nothing longer than a frame gets here.
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put(bytes);
}

impl Op<'_> {
    /// Append the stored form.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Image(image) => {
                out.put_u8(IMAGE);
                out.put_u8(if image.has_data { HAS_DATA } else { 0 });
                out.put_u32(image.root);
                out.put_u64(image.id);
                out.put_i64(image.deleted_ns);
                out.put_u64(image.data_length);
                out.put(&image.content_hash);
                out.put_u64(image.stat.size);
                out.put_i64(image.stat.mtime_ns);
                out.put_i64(image.stat.ctime_ns);
                out.put_u64(image.stat.inode);
                out.put_u64(image.stat.volume);
                put_text(out, image.path);
                // Where there is a path its last part is the filename.
                put_text(out, if image.path.is_empty() { image.filename } else { &[] });
                put_text(out, image.metadata.bytes);
            }
            Self::Purge(id) => {
                out.put_u8(PURGE);
                out.put_u64(*id);
            }
            Self::Record { table, key, value } => {
                out.put_u8(RECORD);
                out.put_u8(*table);
                put_text(out, key);
                put_text(out, value.bytes);
            }
            Self::Removal { table, key } => {
                out.put_u8(REMOVAL);
                out.put_u8(*table);
                put_text(out, key);
            }
            Self::Blob { hash, id, length, chunks } => {
                out.put_u8(BLOB);
                out.put(hash);
                out.put_u64(*id);
                out.put_u64(*length);
                out.put_u32(*chunks);
            }
        }
    }
}

impl<'a> Op<'a> {
    fn decode(take: &mut Take<'a>) -> Option<Self> {
        Some(match take.u8()? {
            IMAGE => {
                let flags = take.u8()?;
                let root = take.u32()?;
                let id = take.number()?;
                let deleted_ns = take.i64()?;
                let data_length = take.number()?;
                let content_hash = take.array()?;
                let stat = Stat {
                    size: take.u64()?,
                    mtime_ns: take.i64()?,
                    ctime_ns: take.i64()?,
                    inode: take.u64()?,
                    volume: take.u64()?,
                };
                let length = take.length()?;
                let path = take.take(length)?;
                let length = take.length()?;
                let mut filename = take.take(length)?;
                if !path.is_empty() {
                    filename = path.rsplit(|&byte| byte == b'/').next()?;
                }
                let length = take.length()?;
                let metadata = Field::take(take, length)?;
                let has_data = flags & HAS_DATA != 0;
                Self::Image(ImageOp {
                    id,
                    root,
                    has_data,
                    deleted_ns,
                    data_length,
                    content_hash,
                    stat,
                    path,
                    filename,
                    metadata,
                })
            }
            PURGE => Self::Purge(take.number()?),
            RECORD => {
                let table = take.u8()?;
                let length = take.length()?;
                let key = take.take(length)?;
                let length = take.length()?;
                Self::Record { table, key, value: Field::take(take, length)? }
            }
            REMOVAL => {
                let table = take.u8()?;
                let length = take.length()?;
                Self::Removal { table, key: take.take(length)? }
            }
            BLOB => Self::Blob {
                hash: take.array()?,
                id: take.number()?,
                length: take.number()?,
                chunks: take.u32()?,
            },
            _ => return None,
        })
    }
}

/// A transaction frame's payload, being read.
#[derive(Debug)]
pub(crate) struct Ops<'a> {
    /// When it was committed, nanoseconds since 1970.
    pub(crate) when_ns: i64,
    take: Take<'a>,
    left: u32,
}

impl<'a> Ops<'a> {
    /// Begin to read a payload of `count` operations.
    pub(crate) fn new(payload: &'a [u8], count: u32) -> Option<Self> {
        let mut take = Take::new(payload);
        Some(Self { when_ns: take.i64()?, take, left: count })
    }

    /// Append a payload's beginning.
    pub(crate) fn begin(when_ns: i64, out: &mut Vec<u8>) {
        out.put_i64(when_ns);
    }
}

impl<'a> Iterator for Ops<'a> {
    /// None where the payload is not what an encoder writes.
    type Item = Option<Op<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            // Anything after the last operation would be bytes that nobody wrote.
            return (!std::mem::replace(&mut self.take, Take::new(&[])).is_at_end())
                .then_some(None);
        }
        self.left -= 1;
        Some(Op::decode(&mut self.take))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image<'a>(path: &'a [u8], filename: &'a [u8], metadata: &'a [u8]) -> Op<'a> {
        Op::Image(ImageOp {
            id: 1,
            root: 2,
            has_data: true,
            deleted_ns: -3,
            data_length: 4,
            content_hash: [5; 32],
            stat: Stat { size: 6, mtime_ns: 7, ctime_ns: 8, inode: 9, volume: 10 },
            path,
            filename,
            metadata: Field::unplaced(metadata),
        })
    }

    /// Every kind of operation reads back as written, and a cut payload is noticed.
    #[test]
    fn operations_read_back() {
        let ops = [
            image(b"a/\xff.jpg", b"\xff.jpg", b"{}"),
            image(b"", b"loose.jpg", b"{}"),
            Op::Purge(11),
            Op::Record { table: 3, key: b"k", value: Field::unplaced(b"v") },
            Op::Removal { table: 3, key: b"k" },
            Op::Blob { hash: [1; 32], id: 2, length: 3, chunks: 4 },
        ];
        let mut payload = Vec::new();
        Ops::begin(42, &mut payload);
        for op in &ops {
            op.encode(&mut payload);
        }
        let read = Ops::new(&payload, 6).unwrap();
        assert_eq!(read.when_ns, 42);
        let read: Vec<_> = read.map(|op| unplaced(op.unwrap())).collect();
        assert_eq!(read, ops);
        for length in 8..payload.len() {
            let cut = Ops::new(&payload[..length], 6).unwrap();
            assert!(cut.into_iter().any(|op| op.is_none()), "cut to {length}");
        }
        assert!(Ops::new(&payload, 5).unwrap().any(|op| op.is_none()), "bytes left over");
    }

    fn unplaced(op: Op<'_>) -> Op<'_> {
        match op {
            Op::Image(image) => {
                Op::Image(ImageOp { metadata: Field::unplaced(image.metadata.bytes), ..image })
            }
            Op::Record { table, key, value } => {
                Op::Record { table, key, value: Field::unplaced(value.bytes) }
            }
            other => other,
        }
    }
}
