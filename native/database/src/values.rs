//! What stands in the trees, and how: keys are made so that their bytes sort as they should.

use std::sync::Arc;

use crate::block::Schema;
use crate::bytes::{Put, Take, Text, checksum};
use crate::codec::Shape;
use crate::entries::{Blob, Chunk, IMAGES, Purged, Record};
use crate::error::Result;
use crate::row::{Hash, Row, Stat, Stored};
use crate::run::At;
use crate::tree::Value;

/// How many trees there are; they are numbered from 1.
pub(crate) const TREES: usize = 9;

/// What the runs of a tree are made of.
pub(crate) fn schema(tree: u8) -> Option<&'static Schema> {
    Some(match tree {
        <Arc<Row>>::TREE => <Arc<Row>>::SCHEMA,
        Purged::TREE => Purged::SCHEMA,
        Record::TREE => Record::SCHEMA,
        Blob::TREE => Blob::SCHEMA,
        Owner::TREE => Owner::SCHEMA,
        Named::TREE => Named::SCHEMA,
        Content::TREE => Content::SCHEMA,
        Fed::TREE => Fed::SCHEMA,
        Version::TREE => Version::SCHEMA,
        _ => return None,
    })
}

/// The key of a picture in `rows` and `purged`.
pub(crate) fn id_key(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

/// The picture that a key of `rows` or `purged` means.
pub(crate) fn id_of(key: &[u8]) -> u64 {
    Take::new(key).array().map_or(0, u64::from_be_bytes)
}

/// The key of what a picture was at an earlier transaction.
pub(crate) fn version_key(id: u64, seq: u64) -> [u8; 16] {
    pair_key(id.to_be_bytes(), seq)
}

/// The key of a record.
pub(crate) fn record_key(table: u8, key: &[u8]) -> Text {
    [&[table], key].concat().into()
}

/// The key of a place: root and path.
pub(crate) fn place_key(root: u32, path: &[u8]) -> Text {
    [&root.to_be_bytes(), path].concat().into()
}

/// What the index of filenames holds in a name's place. Rows of unlike names may share one, so
/// who looks a name up compares it.
pub(crate) fn name_hash(filename: &[u8]) -> [u8; 8] {
    checksum(filename).to_be_bytes()
}

/// The key of a row under its filename.
pub(crate) fn name_key(filename: &[u8], id: u64) -> [u8; 16] {
    pair_key(name_hash(filename), id)
}

/// The key of a row under the beginning of another.
pub(crate) fn pair_key(prefix: [u8; 8], id: u64) -> [u8; 16] {
    let mut key = [0; 16];
    let (first, last) = key.split_at_mut(8);
    first.copy_from_slice(&prefix);
    last.copy_from_slice(&id.to_be_bytes());
    key
}

/// What the index of contents holds in a hash's place, to be compared as names are.
pub(crate) fn content_prefix(hash: &Hash) -> [u8; 8] {
    Take::new(hash).array().unwrap_or_default()
}

/// The key of a row under its content.
pub(crate) fn content_key(hash: &Hash, id: u64) -> [u8; 16] {
    pair_key(content_prefix(hash), id)
}

/// The key of a picture in the feed.
pub(crate) fn feed_image(seq: u64, id: u64) -> Text {
    feed_key(seq, IMAGES, &id.to_be_bytes())
}

/// The key of a record in the feed.
pub(crate) fn feed_key(seq: u64, table: u8, key: &[u8]) -> Text {
    [&seq.to_be_bytes()[..], &[table], key].concat().into()
}

/// A row without its metadata, as it stands somewhere.
#[derive(Debug)]
pub(crate) struct RowView<'a> {
    pub(crate) id: u64,
    pub(crate) seq: u64,
    pub(crate) root: u32,
    pub(crate) has_data: bool,
    pub(crate) deleted_ns: i64,
    pub(crate) data_length: u64,
    pub(crate) content_hash: &'a Hash,
    pub(crate) stat: Stat,
    pub(crate) path: &'a [u8],
    pub(crate) filename: &'a [u8],
}

impl<'a> RowView<'a> {
    /// The row in an entry of a run; None where it is not what a row's `columns` made.
    pub(crate) fn of_entry(at: &'a At) -> Option<Self> {
        let mut take = Take::new(at.column(0));
        let seq = take.u64()?;
        let root = take.u32()?;
        let has_data = take.u8()? != 0;
        let (deleted_ns, data_length) = (take.i64()?, take.u64()?);
        let stat = Stat {
            size: take.u64()?,
            mtime_ns: take.i64()?,
            ctime_ns: take.i64()?,
            inode: take.u64()?,
            volume: take.u64()?,
        };
        let path = at.column(2);
        let filename = match path {
            [] => at.column(3),
            path => path.rsplit(|&byte| byte == b'/').next()?,
        };
        let content_hash = at.column(1).try_into().ok()?;
        let id = id_of(at.key());
        Some(Self {
            id,
            seq,
            root,
            has_data,
            deleted_ns,
            data_length,
            content_hash,
            stat,
            path,
            filename,
        })
    }

    /// The row in memory.
    pub(crate) fn of(row: &'a Row) -> Self {
        Self {
            id: row.id,
            seq: row.seq,
            root: row.root,
            has_data: row.has_data,
            deleted_ns: row.deleted_ns,
            data_length: row.data_length,
            content_hash: &row.content_hash,
            stat: row.stat,
            path: &row.path,
            filename: &row.filename,
        }
    }
}

impl Value for Arc<Row> {
    const TREE: u8 = 1;
    const SCHEMA: &'static Schema = &Schema {
        name: "rows",
        key: Shape::Keys(&[8]),
        columns: &[
            // seq, root, flags, deleted, data length; size, mtime, ctime, inode, volume
            Shape::Numbers(&[8, 4, 1, 8, 8, 8, 8, 8, 8, 8]),
            Shape::Numbers(&[32]),
            Shape::Bytes,
            // Empty where it is the path's last part.
            Shape::Bytes,
        ],
        heavy: true,
        block: 32,
        filtered: 8,
    };

    fn columns(&self) -> Result<Vec<Text>> {
        let mut numbers = Vec::with_capacity(69);
        numbers.put_u64(self.seq);
        numbers.put_u32(self.root);
        numbers.put_u8(u8::from(self.has_data));
        numbers.put_i64(self.deleted_ns);
        numbers.put_u64(self.data_length);
        numbers.put_u64(self.stat.size);
        numbers.put_i64(self.stat.mtime_ns);
        numbers.put_i64(self.stat.ctime_ns);
        numbers.put_u64(self.stat.inode);
        numbers.put_u64(self.stat.volume);
        let filename =
            if self.path.is_empty() { Arc::clone(&self.filename) } else { Text::from(&[][..]) };
        let path = Arc::clone(&self.path);
        Ok(vec![numbers.into(), self.content_hash.into(), path, filename, self.metadata()?])
    }

    fn read(at: &At) -> Option<Self> {
        let view = RowView::of_entry(at)?;
        Some(Arc::new(Row {
            id: view.id,
            seq: view.seq,
            root: view.root,
            has_data: view.has_data,
            deleted_ns: view.deleted_ns,
            data_length: view.data_length,
            content_hash: *view.content_hash,
            stat: view.stat,
            path: view.path.into(),
            filename: view.filename.into(),
            metadata: Stored::Run(at.heavy()),
        }))
    }

    fn weight(&self) -> usize {
        let texts = self.path.len() + self.filename.len() + self.metadata.weight();
        size_of::<Row>() + texts + 64
    }
}

/// What a row was before other bytes took its own ones' place; `deleted_ns` is when they did.
#[derive(Clone, Debug)]
pub(crate) struct Version(pub(crate) Arc<Row>);

impl Value for Version {
    const TREE: u8 = 9;
    const SCHEMA: &'static Schema = &Schema {
        name: "versions",
        key: Shape::Keys(&[8, 8]),
        columns: <Arc<Row>>::SCHEMA.columns,
        heavy: true,
        block: 32,
        filtered: 8,
    };

    fn columns(&self) -> Result<Vec<Text>> {
        self.0.columns()
    }

    fn read(at: &At) -> Option<Self> {
        // A key begins with the id, as a row's does.
        <Arc<Row>>::read(at).map(Self)
    }

    fn weight(&self) -> usize {
        self.0.weight()
    }
}

impl Value for Purged {
    const TREE: u8 = 2;
    const SCHEMA: &'static Schema = &Schema {
        name: "purged",
        key: Shape::Keys(&[8]),
        columns: &[Shape::Numbers(&[8, 8])],
        heavy: false,
        block: 128,
        filtered: 8,
    };

    fn columns(&self) -> Result<Vec<Text>> {
        Ok(vec![[self.seq.to_le_bytes(), self.when_ns.to_le_bytes()].concat().into()])
    }

    fn read(at: &At) -> Option<Self> {
        let mut take = Take::new(at.column(0));
        Some(Self { seq: take.u64()?, when_ns: take.i64()? })
    }

    fn weight(&self) -> usize {
        0
    }
}

impl Value for Record {
    const TREE: u8 = 3;
    const SCHEMA: &'static Schema = &Schema {
        name: "records",
        key: Shape::Bytes,
        columns: &[Shape::Numbers(&[8, 8, 1])],
        heavy: true,
        block: 32,
        filtered: usize::MAX,
    };

    fn columns(&self) -> Result<Vec<Text>> {
        let mut numbers = Vec::with_capacity(17);
        numbers.put_u64(self.seq);
        numbers.put_i64(self.when_ns);
        numbers.put_u8(u8::from(self.value.is_some()));
        let value = self.value.as_ref().map(Stored::load).transpose()?;
        Ok(vec![numbers.into(), value.unwrap_or_default()])
    }

    fn read(at: &At) -> Option<Self> {
        let mut take = Take::new(at.column(0));
        let (seq, when_ns) = (take.u64()?, take.i64()?);
        let value = (take.u8()? != 0).then(|| Stored::Run(at.heavy()));
        Some(Self { seq, when_ns, value })
    }

    fn weight(&self) -> usize {
        self.value.as_ref().map_or(0, Stored::weight)
    }
}

/// Bytes of a chunk's place.
const CHUNK: usize = 28;

impl Value for Blob {
    const TREE: u8 = 4;
    const SCHEMA: &'static Schema = &Schema {
        name: "blobs",
        key: Shape::Keys(&[32]),
        columns: &[Shape::Numbers(&[8, 8, 8, 4, 8]), Shape::Bytes],
        heavy: false,
        block: 64,
        filtered: 32,
    };

    fn columns(&self) -> Result<Vec<Text>> {
        let mut chunks = Vec::with_capacity(CHUNK * self.chunks.len().max(1));
        for chunk in self.chunks.iter() {
            chunks.put_u64(chunk.segment);
            chunks.put_u64(chunk.offset);
            chunks.put_u32(chunk.length);
            chunks.put_u64(chunk.check);
        }
        let rest = chunks.get(CHUNK..).unwrap_or_default().into();
        // The first place, which mostly is the only one, stands apart; zeros where there is none.
        chunks.resize(CHUNK, 0);
        Ok(vec![[&self.length.to_le_bytes(), &chunks[..]].concat().into(), rest])
    }

    fn read(at: &At) -> Option<Self> {
        let mut take = Take::new(at.column(0));
        let length = take.u64()?;
        let first = take.take(CHUNK)?;
        let rest = at.column(1);
        let mut chunks = Vec::with_capacity(1 + rest.len() / CHUNK);
        let places = std::iter::once(first).chain(rest.chunks(CHUNK));
        for (index, place) in (0..).zip(places) {
            let mut take = Take::new(place);
            let (segment, offset) = (take.u64()?, take.u64()?);
            let (length, check) = (take.u32()?, take.u64()?);
            // Segments are numbered from 1.
            if segment != 0 {
                chunks.push(Chunk { segment, offset, length, check, index });
            }
        }
        Some(Self { length, chunks: chunks.into(), lacking: None })
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.chunks.len() * size_of::<Chunk>()
    }
}

/// Under a place: the live row that stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(pub(crate) u64);

impl Value for Owner {
    const TREE: u8 = 5;
    const SCHEMA: &'static Schema = &Schema {
        name: "paths",
        key: Shape::Bytes,
        columns: &[Shape::Numbers(&[8])],
        heavy: false,
        block: 64,
        filtered: usize::MAX,
    };

    fn columns(&self) -> Result<Vec<Text>> {
        Ok(vec![self.0.to_le_bytes().into()])
    }

    fn read(at: &At) -> Option<Self> {
        Take::new(at.column(0)).u64().map(Self)
    }

    fn weight(&self) -> usize {
        0
    }
}

macro_rules! set {
    ($name:ident, $tree:literal, $label:literal, $key:expr, $filtered:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name;

        impl Value for $name {
            const TREE: u8 = $tree;
            const SCHEMA: &'static Schema = &Schema {
                name: $label,
                key: $key,
                columns: &[],
                heavy: false,
                block: 128,
                filtered: $filtered,
            };

            fn columns(&self) -> Result<Vec<Text>> {
                Ok(Vec::new())
            }

            fn read(_: &At) -> Option<Self> {
                Some(Self)
            }

            fn weight(&self) -> usize {
                0
            }
        }
    };
}

set!(Named, 6, "filenames", Shape::Keys(&[8, 8]), 8, "Live rows by the hash of their filename.");
set!(Content, 7, "contents", Shape::Keys(&[8, 8]), 8, "Live and deleted rows by their content.");
set!(Fed, 8, "feed", Shape::Bytes, 0, "What changed, by transaction.");
