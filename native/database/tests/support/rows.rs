//! Rows for tests, and the whole of a store's content in comparable form.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests are small")]

use std::collections::BTreeMap;
use std::sync::Arc;

use picturerail_database::{
    Disk, Entry, Error, FillAhead, Mode, NewRow, Options, Result, Row, Rows, Snapshot, Stat, Store,
    Upkeep,
};

/// Small segments and little memory, so that short runs begin new ones and make checkpoints; a
/// clock that stands still.
pub const OPTIONS: Options = Options {
    segment_bytes: 4096,
    chunk_bytes: 2048,
    fill_ahead: FillAhead::Inline,
    upkeep: Upkeep::Inline,
    memory_bytes: 6_000,
    log_bytes: 16 << 10,
    fan: 2,
    cache_bytes: 64 << 10,
    force: false,
    clock: || 1_000,
};

pub fn open(disk: &Arc<dyn Disk>) -> Result<Store> {
    Store::open_on(Arc::clone(disk), Mode::Create, OPTIONS)
}

pub fn row(path: &str, metadata: &str) -> NewRow {
    NewRow {
        root: 1,
        path: path.as_bytes().into(),
        filename: path.rsplit('/').next().unwrap().as_bytes().into(),
        metadata: metadata.as_bytes().into(),
        content_hash: [0; 32],
        has_data: false,
        stat: Stat::default(),
    }
}

/// A row as a test sees it: path, metadata, bytes, whether it is live.
pub type Seen = (String, String, Vec<u8>, bool);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub rows: BTreeMap<u64, Seen>,
    pub records: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Earlier versions: a picture's id, path and bytes.
    pub versions: Vec<(u64, String, Vec<u8>)>,
}

pub const STATE_TABLE: i32 = 6;

pub fn content(snapshot: &Snapshot) -> Result<Content> {
    let mut found = Content::default();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let bytes_of = |row: &Row| {
        let mut bytes = Vec::new();
        if row.has_data {
            let mut blob = snapshot.open_blob(row.content_hash)?;
            bytes.resize(blob.length() as usize, 0);
            assert_eq!(blob.read(0, &mut bytes)?, bytes.len());
        }
        Ok::<_, Error>(bytes)
    };
    for entry in snapshot.images(0, Rows::ALL) {
        let Entry::Image(row) = entry? else { panic!("not a row") };
        let bytes = bytes_of(&row)?;
        let seen = (text(&row.path), text(&row.metadata()?), bytes, row.is_live());
        found.rows.insert(row.id, seen);
    }
    for entry in snapshot.versions(None) {
        let Entry::Image(row) = entry? else { panic!("not a row") };
        found.versions.push((row.id, text(&row.path), bytes_of(&row)?));
    }
    for entry in snapshot.records(STATE_TABLE, b"")? {
        let Entry::Record { key, value: Some(value), .. } = entry? else { panic!("no record") };
        found.records.insert(key.to_vec(), value.to_vec());
    }
    Ok(found)
}
