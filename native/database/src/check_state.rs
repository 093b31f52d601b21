//! Comparing a state's trees with each other, and all stored bytes with their hashes.

use std::collections::HashSet;

use crate::blob_reader::BlobReader;
use crate::cursor::Problem;
use crate::entries::Blob;
use crate::error::Result;
use crate::frame::extent;
use crate::manifest::Counts;
use crate::row::{Hash, Row, Stored};
use crate::state::State;
use crate::transaction::hex;
use crate::tree::{Tree, Value};
use crate::values::{
    Content, Fed, Named, Owner, Version, content_key, content_prefix, feed_image, feed_key, id_key,
    id_of, name_key, place_key,
};

/// Bytes of a blob that are read at once.
const PIECE: usize = 1 << 20;

struct Finder<'a> {
    state: &'a State,
    problems: Vec<Problem>,
    counts: Counts,
    /// Entries that the indexes should have.
    placed: u64,
    fed: u64,
    contents: u64,
}

/// Find every way in which a state contradicts itself.
pub(crate) fn check_state(state: &State) -> Result<Vec<Problem>> {
    let mut finder = Finder {
        state,
        problems: Vec::new(),
        counts: Counts::default(),
        placed: 0,
        fed: 0,
        contents: 0,
    };
    finder.rows()?;
    finder.versions()?;
    finder.others()?;
    finder.blobs()?;
    // Every entry that should be there is; so where there are as many, there is no other.
    let counts = finder.counts;
    finder.count("path index", &state.paths, finder.placed)?;
    finder.count("content index", &state.contents, finder.contents)?;
    finder.count("filename index", &state.filenames, counts.live)?;
    finder.count("feed", &state.feed, finder.fed)?;
    if counts != state.counts {
        let what = format!("{counts:?} were found, {:?} are noted", state.counts);
        finder.found("counts", what);
    }
    Ok(finder.problems)
}

impl Finder<'_> {
    fn found(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { place: place.into(), what: what.into() });
    }

    fn count<V: Value>(&mut self, index: &str, tree: &Tree<V>, expected: u64) -> Result<()> {
        let mut entries = 0;
        for entry in tree.walk()? {
            entry?;
            entries += 1;
        }
        if entries != expected {
            self.found(index, format!("{entries} entries where there should be {expected}"));
        }
        Ok(())
    }

    fn rows(&mut self) -> Result<()> {
        for entry in self.state.rows.walk()? {
            self.row(&entry?.1)?;
        }
        Ok(())
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        let state = self.state;
        row.metadata()?;
        self.fed += 1;
        self.contents += 1;
        let mut missing = Vec::new();
        let mut lacks = |index: &'static str, there: bool| {
            if !there {
                missing.push(index);
            }
        };
        let stored = state.blobs.get(&row.content_hash)?.map(|blob| blob.length);
        lacks("the stored bytes", !row.has_data || stored == Some(row.data_length));
        let key = content_key(&row.content_hash, row.id);
        lacks("the content index", state.contents.get(&key)? == Some(Content));
        lacks("the feed", state.feed.get(&feed_image(row.seq, row.id))? == Some(Fed));
        if row.is_live() {
            self.counts.live += 1;
            let name = name_key(&row.filename, row.id);
            lacks("the filename index", state.filenames.get(&name)? == Some(Named));
            if row.root != 0 {
                self.placed += 1;
                let place = place_key(row.root, &row.path);
                lacks("the path index", state.paths.get(&place)? == Some(Owner(row.id)));
            }
        } else {
            self.counts.deleted += 1;
        }
        for index in missing {
            self.found(format!("picture {}", row.id), format!("{index} lacks it"));
        }
        Ok(())
    }

    fn versions(&mut self) -> Result<()> {
        let state = self.state;
        // The beginnings of contents of the picture whose versions are being read.
        let mut seen: (u64, HashSet<[u8; 8]>) = (0, HashSet::new());
        for entry in state.versions.walk()? {
            let Version(version) = entry?.1;
            let Row { id, seq, content_hash, .. } = *version;
            version.metadata()?;
            self.counts.versions += 1;
            let place = format!("picture {id} as of transaction {seq}");
            let Some(row) = state.rows.get(&id_key(id))? else {
                self.found(place, "there is no such picture any more");
                continue;
            };
            if seen.0 != id {
                seen = (id, HashSet::from([content_prefix(&row.content_hash)]));
            }
            self.contents += u64::from(seen.1.insert(content_prefix(&content_hash)));
            let stored = state.blobs.get(&content_hash)?.map(|blob| blob.length);
            if stored != Some(version.data_length) {
                self.found(&*place, "its bytes are not stored");
            }
            if !state.contents.contains(&content_key(&content_hash, id))? {
                self.found(&*place, "the content index lacks it");
            }
        }
        Ok(())
    }

    fn others(&mut self) -> Result<()> {
        let state = self.state;
        for entry in state.records.walk()? {
            let (key, record) = entry?;
            let (table, key) = key.split_first().unwrap_or((&0, &[]));
            self.fed += 1;
            self.counts.removed += u64::from(record.value.is_none());
            record.value.as_ref().map(Stored::load).transpose()?;
            if !state.feed.contains(&feed_key(record.seq, *table, key))? {
                self.found(format!("table {table}, key {}", hex(key)), "the feed lacks it");
            }
        }
        for entry in state.purged.walk()? {
            let (key, purged) = entry?;
            self.fed += 1;
            self.counts.purged += 1;
            if !state.feed.contains(&feed_image(purged.seq, id_of(&key)))? {
                self.found(format!("purged picture {}", id_of(&key)), "the feed lacks it");
            }
        }
        Ok(())
    }

    fn blobs(&mut self) -> Result<()> {
        let state = self.state;
        let mut used = imbl::OrdMap::new();
        for entry in state.blobs.walk()? {
            let (key, blob) = entry?;
            self.counts.blobs += 1;
            self.counts.blob_bytes += blob.length;
            for chunk in blob.chunks.iter() {
                *used.entry(chunk.segment).or_insert(0) += extent(chunk.length as usize);
            }
            let Ok(hash) = Hash::try_from(&*key) else { continue };
            self.blob(hash, &blob)?;
        }
        if used != state.used {
            let what = format!("{used:?} are in use, {:?} are noted", state.used);
            self.found("bytes of segments", what);
        }
        Ok(())
    }

    fn blob(&mut self, hash: Hash, blob: &Blob) -> Result<()> {
        if !self.state.is_used(hash)? {
            self.found(format!("content {}", hex(&hash)), "no picture has it");
        }
        let mut reader = BlobReader::new(self.state, blob)?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; PIECE];
        loop {
            let count = reader.read(hasher.count(), &mut buffer)?;
            hasher.update(buffer.get(..count).unwrap_or_default());
            if count == 0 {
                break;
            }
        }
        if *hasher.finalize().as_bytes() != hash || hasher.count() != blob.length {
            self.found(format!("content {}", hex(&hash)), "the stored bytes are others");
        }
        Ok(())
    }
}
