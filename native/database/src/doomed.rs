//! What is to leave the files for good.

use std::collections::BTreeSet;

use crate::entries::{RecordKey, VECTORS};
use crate::error::Result;
use crate::op::Op;
use crate::state::State;
use crate::values::record_key;

/// Keys of which nothing may be left in the files.
#[derive(Debug, Default)]
pub(crate) struct Doomed {
    pub(crate) images: BTreeSet<u64>,
    pub(crate) records: BTreeSet<RecordKey>,
}

impl Doomed {
    pub(crate) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.records.is_empty()
    }

    pub(crate) fn holds(&self, op: &Op<'_>) -> bool {
        match op {
            Op::Image(image) => self.images.contains(&image.id),
            Op::Record { table, key, .. } | Op::Removal { table, key } => {
                self.records.contains(&(*table, (*key).into()))
            }
            // Neither says anything of a picture.
            Op::Purge(_) | Op::Blob { .. } => false,
        }
    }

    /// Enter a picture and its vectors.
    pub(crate) fn add(&mut self, state: &State, id: u64) -> Result<()> {
        self.images.insert(id);
        for found in state.records.below(&record_key(VECTORS, &id.to_be_bytes()))? {
            let (key, _) = found?;
            self.records.insert((VECTORS, key.get(1..).unwrap_or_default().into()));
        }
        Ok(())
    }
}
