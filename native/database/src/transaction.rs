//! From what a caller wants changed to the operations that go into the log: every change is
//! checked against the state at commit and those made before it in the same transaction.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::blob::FinishedBlob;
use crate::bytes::Text;
use crate::entries::RecordKey;
use crate::error::{Error, Result};
use crate::op::{Field, ImageOp, Op, Ops};
use crate::row::{Hash, NewRow};
use crate::state::State;
use crate::values::{id_key, place_key, record_key};

/// One wanted change.
#[derive(Debug)]
pub(crate) enum Change {
    Insert { id: u64, row: NewRow },
    Update { id: u64, row: NewRow, expected: u64 },
    Delete { id: u64, when_ns: i64 },
    Put { key: RecordKey, value: Text },
    Remove { key: RecordKey },
}

/// A row as the transaction leaves it.
#[derive(Clone, Debug)]
struct Draft {
    row: NewRow,
    data_length: u64,
    deleted_ns: i64,
}

/// A transaction's outcome so far, laid over the state.
struct Overlay<'s, 'b> {
    state: &'s State,
    blobs: HashMap<Hash, &'b FinishedBlob>,
    named: HashSet<Hash>,
    rows: BTreeMap<u64, Draft>,
    records: BTreeMap<RecordKey, Option<Text>>,
}

/// A checked transaction: its payload, and the blobs that it names.
pub(crate) struct Resolved<'a> {
    pub(crate) count: u32,
    /// The blobs whose chunks now belong to the state.
    pub(crate) blobs: Vec<&'a FinishedBlob>,
}

/// Check `changes` against `state` and append their payload to `out`. A transaction that
/// changes nothing has a count of 0.
pub(crate) fn resolve<'a>(
    state: &State,
    changes: &[Change],
    blobs: &'a [FinishedBlob],
    when_ns: i64,
    out: &mut Vec<u8>,
) -> Result<Resolved<'a>> {
    let mut overlay = Overlay {
        state,
        blobs: blobs.iter().map(|blob| (blob.hash, blob)).collect(),
        named: HashSet::new(),
        rows: BTreeMap::new(),
        records: BTreeMap::new(),
    };
    for change in changes {
        overlay.apply(change)?;
    }
    overlay.check_places()?;
    Ops::begin(when_ns, out);
    overlay.encode(out)
}

impl<'b> Overlay<'_, 'b> {
    fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Insert { id, row } => self.set_row(*id, row, 0),
            Change::Update { id, row, expected } => {
                let held = self.state.rows.get(&id_key(*id))?;
                if held.is_none() && !self.rows.contains_key(id) {
                    return Err(Error::NotFound(format!("there is no picture {id} to update")));
                }
                let seq = held.map_or(0, |row| row.seq);
                if *expected != 0 && *expected != seq {
                    return Err(Error::Conflict(format!(
                        "picture {id} changed: it was read at transaction {expected} and is now \
                         at {seq}; read it again"
                    )));
                }
                self.set_row(*id, row, 0)
            }
            Change::Delete { id, when_ns } => self.delete(*id, *when_ns),
            Change::Put { key, value } => {
                self.records.insert(key.clone(), Some(Arc::clone(value)));
                Ok(())
            }
            Change::Remove { key } => {
                let held = self.state.records.get(&record_key(key.0, &key.1))?;
                let held = held.is_some_and(|held| held.value.is_some());
                if held {
                    self.records.insert(key.clone(), None);
                } else {
                    self.records.remove(key);
                }
                Ok(())
            }
        }
    }

    fn set_row(&mut self, id: u64, row: &NewRow, deleted_ns: i64) -> Result<()> {
        let data_length = if row.has_data { self.use_blob(row.content_hash)? } else { 0 };
        self.rows.insert(id, Draft { row: row.clone(), data_length, deleted_ns });
        Ok(())
    }

    /// Refuse two live rows at one place. What counts is how the transaction leaves the
    /// rows, so pictures may exchange their places whatever the order of the changes.
    fn check_places(&self) -> Result<()> {
        let mut taken = HashMap::new();
        for (id, draft) in &self.rows {
            if draft.deleted_ns != 0 || draft.row.root == 0 {
                continue;
            }
            let place = place_key(draft.row.root, &draft.row.path);
            let standing = self.state.paths.get(&place)?.map(|owner| owner.0);
            let standing = standing.filter(|owner| !self.rows.contains_key(owner));
            if let Some(owner) = taken.insert(place, *id).or(standing) {
                return Err(Error::Conflict(format!(
                    "picture {owner} stands at {:?} of root {} already",
                    String::from_utf8_lossy(&draft.row.path),
                    draft.row.root
                )));
            }
        }
        Ok(())
    }

    /// Find the bytes that a row shares or brings; return their length.
    fn use_blob(&mut self, hash: Hash) -> Result<u64> {
        if let Some(blob) = self.state.blobs.get(&hash)? {
            return Ok(blob.length);
        }
        let blob = self.blobs.get(&hash).ok_or_else(|| {
            Error::NotFound(format!("no bytes are stored under the content hash {}", hex(&hash)))
        })?;
        self.named.insert(hash);
        Ok(blob.length)
    }

    fn delete(&mut self, id: u64, when_ns: i64) -> Result<()> {
        let not_live = || Error::NotFound(format!("there is no live picture {id} to delete"));
        if let Some(draft) = self.rows.get_mut(&id) {
            if draft.deleted_ns != 0 {
                return Err(not_live());
            }
            draft.deleted_ns = when_ns;
            return Ok(());
        }
        let row = self.state.rows.get(&id_key(id))?;
        let row = row.filter(|row| row.is_live()).ok_or_else(not_live)?;
        let draft = Draft {
            row: NewRow {
                root: row.root,
                path: Arc::clone(&row.path),
                filename: Arc::clone(&row.filename),
                metadata: row.metadata()?,
                content_hash: row.content_hash,
                has_data: row.has_data,
                stat: row.stat,
            },
            data_length: row.data_length,
            deleted_ns: when_ns,
        };
        self.rows.insert(id, draft);
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<Resolved<'b>> {
        let mut count = 0_u32;
        let mut blobs = Vec::new();
        // A row that was replaced within the transaction may have named bytes in vain.
        let used: HashSet<Hash> =
            self.rows.values().filter(|d| d.row.has_data).map(|d| d.row.content_hash).collect();
        for hash in self.named.intersection(&used) {
            if let Some(&blob) = self.blobs.get(hash) {
                let (id, length, chunks) = (blob.id(), blob.length, blob.chunks);
                Op::Blob { hash: *hash, id, length, chunks }.encode(out);
                blobs.push(blob);
                count += 1;
            }
        }
        for (id, Draft { row, data_length, deleted_ns }) in &self.rows {
            Op::Image(ImageOp {
                id: *id,
                root: row.root,
                has_data: row.has_data,
                deleted_ns: *deleted_ns,
                data_length: *data_length,
                content_hash: row.content_hash,
                stat: row.stat,
                path: &row.path,
                filename: &row.filename,
                metadata: Field::unplaced(&row.metadata),
            })
            .encode(out);
            count += 1;
        }
        for ((table, key), value) in &self.records {
            match value {
                Some(value) => {
                    Op::Record { table: *table, key, value: Field::unplaced(value) }.encode(out);
                }
                None => Op::Removal { table: *table, key }.encode(out),
            }
            count += 1;
        }
        // Every field's length must fit its 32 bits, and so does whatever the whole fits.
        if u32::try_from(out.len()).is_err() {
            return Err(Error::Invalid("a transaction may not exceed 4 GiB".to_owned()));
        }
        Ok(Resolved { count, blobs })
    }
}

/// Bytes as people write hashes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}
