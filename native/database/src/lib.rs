//! The embedded database of Picturerail: durable transactions over pictures and small records,
//! snapshots that many threads and processes read at once, a feed of changes.
//!
//! One append-only log is both write-ahead log and store of the pictures' bytes; FORMAT.md
//! beside this crate draws it and argues why a crash is safe. Checkpoints write what it says
//! of rows into sorted, compressed files (runs); what changed since is held in persistent maps,
//! so a snapshot is a pointer, and rows that were read stay in a cache of a size one sets. C and Python use the crate through `include/picturerail_database.h`.
//!
//! ```
//! use picturerail_database::{Mode, NewRow, Store};
//!
//! let folder = tempfile::tempdir().unwrap();
//! let store = Store::open(folder.path(), Mode::Create)?;
//! let mut bytes = store.blob_writer()?;
//! bytes.write(b"what a camera wrote")?;
//! let mut transaction = store.begin()?;
//! let row = NewRow {
//!     root: 0,
//!     path: (*b"").into(),
//!     filename: (*b"beach.jpg").into(),
//!     metadata: (*b"{}").into(),
//!     content_hash: [0; 32],
//!     has_data: false,
//!     stat: Default::default(),
//! };
//! let id = transaction.insert(row, Some(bytes))?;
//! transaction.commit()?;
//!
//! assert_eq!(&*store.snapshot()?.get(id)?.filename, b"beach.jpg");
//! # Ok::<(), picturerail_database::Error>(())
//! ```

mod backup;
mod blob;
mod blob_reader;
mod block;
mod bytes;
mod c_types;
mod cache;
mod check;
mod check_state;
mod checkpoint;
mod codec;
mod collect;
mod column;
mod cursor;
mod disk;
mod doomed;
mod entries;
mod error;
mod ffi;
mod filter;
mod folder;
mod follower;
mod frame;
mod group;
mod heads;
mod locks;
mod log;
mod manifest;
mod mapping;
mod mark;
mod op;
mod options;
mod packed;
mod prefetch;
mod ready;
mod recovery;
mod replay;
mod reserve;
mod rewrite;
mod row;
mod run;
mod run_file;
mod run_writer;
mod salvage;
mod scan;
mod segment;
mod slab;
mod snapshot;
mod spare;
mod state;
mod store;
mod sync;
mod transaction;
mod tree;
mod unpacked;
mod values;
mod verified;
mod writeback;
mod writer;

pub use crate::backup::{Files, backup, restore};
pub use crate::blob::{BlobWriter, hash_from};
pub use crate::blob_reader::{BlobReader, BlobView};
pub use crate::bytes::Text;
pub use crate::check::{Level, check};
pub use crate::cursor::{Cursor, Entry, Problem};
pub use crate::disk::{Access, Disk, DiskFile, Lock};
pub use crate::error::{Error, Result};
pub use crate::folder::Folder;
pub use crate::options::{CACHE_BYTES, FillAhead, Options, SEGMENT_BYTES, Upkeep};
pub use crate::packed::Filled;
pub use crate::row::{Hash, NewRow, Row, Rows, Stat};
pub use crate::salvage::salvage;
pub use crate::snapshot::{Info, Snapshot};
pub use crate::store::{Mode, Store};
pub use crate::writer::Transaction;
