//! Writing a run: entries come in key order, and the file is whole or not there.

use std::ops::Bound;
use std::sync::Arc;

use std::hash::Hasher;
use twox_hash::XxHash3_64;

use crate::block::{Draft, Schema};
use crate::bytes::checksum;
use crate::cache::Cache;
use crate::codec::Encoder;
use crate::column::Column;
use crate::disk::{Access, Disk, DiskFile};
use crate::error::{Context, Error, Result};
use crate::filter::Filter;
use crate::log::random;
use crate::manifest::RunEntry;
use crate::run::{Run, RunIter, Window};
use crate::run_file::{Footer, HEADER, Place, encode_index, header, name};

/// A block with texts of so many bytes takes no further entry.
const FULL: usize = 32 << 10;
/// Bytes that are written at once.
const PIECE: usize = 1 << 20;
/// A dictionary is made from so many bytes of samples at most.
const SAMPLES: usize = 2 << 20;
/// With less than this a dictionary costs more than it saves.
const FEW: usize = 128 << 10;
/// The dictionary's part of its samples, one in so many; and its greatest size.
const SHARE: usize = 32;
const DICTIONARY: usize = 64 << 10;

/// A run that is being written.
pub(crate) struct RunWriter<'a> {
    disk: &'a dyn Disk,
    schema: &'static Schema,
    entry: RunEntry,
    file: Arc<dyn DiskFile>,
    path: String,
    written: u64,
    buffer: Vec<u8>,
    draft: Draft,
    /// Full blocks that wait for the dictionary to be made from them.
    waiting: Vec<Draft>,
    samples: usize,
    dictionary: Option<Vec<u8>>,
    plain: Encoder,
    heavy: Option<Encoder>,
    keys: Column,
    places: Vec<Place>,
    /// What the filter is made of.
    hashes: Vec<u64>,
    last: Vec<u8>,
    digest: XxHash3_64,
}

fn codec_failed() -> Error {
    Error::Internal("zstd could not be set up".to_owned())
}

impl<'a> RunWriter<'a> {
    /// Begin the run with this tree and number.
    pub(crate) fn new(
        disk: &'a dyn Disk,
        schema: &'static Schema,
        tree: u8,
        number: u64,
    ) -> Result<Self> {
        let entry = RunEntry { tree, number, salt: random()?, length: 0, entries: 0 };
        let name = name(tree, number);
        let path = format!("{}/{name}", disk.place());
        let file = disk.open(&name, Access::Create).doing(|| format!("make {path}"))?;
        Ok(Self {
            disk,
            schema,
            entry,
            file,
            path,
            written: 0,
            buffer: header(tree, number, entry.salt),
            draft: Draft::new(schema),
            waiting: Vec::new(),
            samples: 0,
            dictionary: None,
            plain: Encoder::new(&[]).ok_or_else(codec_failed)?,
            heavy: None,
            keys: Column::default(),
            places: Vec::new(),
            hashes: Vec::new(),
            last: Vec::new(),
            digest: XxHash3_64::new(),
        })
    }

    /// Append an entry; its key is greater than all before. `values` are its columns, the
    /// heavy one last, or None for a tombstone.
    pub(crate) fn push(&mut self, key: &[u8], values: Option<&[&[u8]]>) -> Result<()> {
        let size = key.len() + values.unwrap_or_default().iter().map(|v| v.len()).sum::<usize>();
        let full = self.draft.len() >= self.schema.block || self.draft.weight() + size > FULL;
        if self.draft.len() > 0 && full {
            self.end_block()?;
        }
        digest(&mut self.digest, key, values);
        self.hashes.extend(self.schema.hash(key));
        self.last.clear();
        self.last.extend_from_slice(key);
        self.draft.push(key, values);
        self.entry.entries += 1;
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        let draft = std::mem::replace(&mut self.draft, Draft::new(self.schema));
        self.keys.push(draft.keys.get(0));
        if self.dictionary.is_some() || !self.schema.heavy {
            return self.write_block(&draft);
        }
        self.samples += draft.weight();
        self.waiting.push(draft);
        if self.samples >= SAMPLES { self.train() } else { Ok(()) }
    }

    /// Make the dictionary and write what has waited for it.
    fn train(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let texts = || {
            waiting.iter().flat_map(|draft| {
                (0..draft.heavy.len()).map(|at| draft.heavy.get(at)).filter(|text| !text.is_empty())
            })
        };
        let total: usize = texts().map(<[u8]>::len).sum();
        let dictionary = if total < FEW {
            Vec::new()
        } else {
            let samples: Vec<&[u8]> = texts().collect();
            // Samples from which none can be made do without.
            zstd::dict::from_samples(&samples, DICTIONARY.min(total / SHARE)).unwrap_or_default()
        };
        self.heavy = Some(Encoder::new(&dictionary).ok_or_else(codec_failed)?);
        self.dictionary = Some(dictionary);
        waiting.iter().try_for_each(|draft| self.write_block(draft))
    }

    fn write_block(&mut self, draft: &Draft) -> Result<()> {
        let light = draft.light(&mut self.plain);
        let heavy = self.heavy.as_mut().map(|encoder| draft.heavy(encoder)).unwrap_or_default();
        let too_long = |_| Error::Invalid("a value may not exceed 4 GiB".to_owned());
        self.places.push(Place {
            offset: self.written + self.buffer.len() as u64,
            light: u32::try_from(light.len()).map_err(too_long)?,
            heavy: u32::try_from(heavy.len()).map_err(too_long)?,
            count: u32::try_from(draft.len()).map_err(too_long)?,
            light_check: checksum(&light),
            heavy_check: checksum(&heavy),
        });
        self.buffer.extend_from_slice(&light);
        self.buffer.extend_from_slice(&heavy);
        if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_at(&self.buffer, self.written).doing(|| format!("write {}", self.path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// End the file, make it durable, read it back and compare it with what was pushed. The
    /// folder is not synced yet. None, and no file, where nothing was pushed.
    pub(crate) fn finish(mut self, cache: &Arc<Cache>) -> Result<Option<Arc<Run>>> {
        if self.entry.entries == 0 {
            self.remove();
            return Ok(None);
        }
        let outcome = self.complete(cache);
        if outcome.is_err() {
            self.remove();
        }
        outcome.map(Some)
    }

    /// Take back what was written.
    pub(crate) fn remove(&self) {
        // One that stays is a file that no manifest names; the next opening removes it.
        _ = self.disk.remove(&name(self.entry.tree, self.entry.number));
    }

    fn complete(&mut self, cache: &Arc<Cache>) -> Result<Arc<Run>> {
        self.end_block()?;
        if self.schema.heavy && self.dictionary.is_none() {
            self.train()?;
        }
        let dictionary = self.dictionary.take().unwrap_or_default();
        self.keys.push(&self.last);
        let index = encode_index(&self.keys, &self.places, &mut self.plain);
        // Keys that begin alike stand together.
        self.hashes.dedup();
        let filter = Filter::of(&self.hashes).encode();
        let at = self.written + self.buffer.len() as u64;
        let footer = Footer {
            dictionary: at,
            index: at + dictionary.len() as u64,
            filter: at + (dictionary.len() + index.len()) as u64,
            blocks: u32::try_from(self.places.len()).unwrap_or(u32::MAX),
            dictionary_check: checksum(&dictionary),
            index_check: checksum(&index),
            filter_check: checksum(&filter),
            entries: self.entry.entries,
        };
        self.buffer.extend_from_slice(&dictionary);
        self.buffer.extend_from_slice(&index);
        self.buffer.extend_from_slice(&filter);
        self.buffer.extend_from_slice(&footer.encode(self.entry.salt));
        self.flush()?;
        self.file.sync().doing(|| format!("sync {}", self.path))?;
        self.entry.length = self.written;
        let run = Arc::new(Run::open(self.disk, self.entry, self.schema, cache)?);
        if digest_of(&run)? != self.digest.finish() {
            return Err(run.corrupt(HEADER as u64, "it reads back other than it was written"));
        }
        Ok(run)
    }
}

fn digest(sum: &mut XxHash3_64, key: &[u8], values: Option<&[&[u8]]>) {
    let mut put = |bytes: &[u8]| {
        sum.write(&(bytes.len() as u64).to_le_bytes());
        sum.write(bytes);
    };
    put(key);
    match values {
        None => put(b"none"),
        Some(values) => values.iter().for_each(|value| put(value)),
    }
}

/// Read a run from its beginning to its end.
pub(crate) fn digest_of(run: &Arc<Run>) -> Result<u64> {
    let mut sum = XxHash3_64::new();
    let mut entries = Entries::new(run)?;
    while let Some((key, values)) = entries.next()? {
        digest(&mut sum, key, values.as_deref());
    }
    Ok(sum.finish())
}

/// A run's entries as the writer takes them.
pub(crate) struct Entries {
    walk: RunIter,
    begun: bool,
    window: Window,
}

/// An entry's key and columns, the heavy one last; None for a tombstone.
pub(crate) type Raw<'a> = (&'a [u8], Option<Vec<&'a [u8]>>);

impl Entries {
    pub(crate) fn new(run: &Arc<Run>) -> Result<Self> {
        let walk = RunIter::new(run, Bound::Unbounded, false)?;
        Ok(Self { walk, begun: false, window: Window::default() })
    }

    /// The key of the entry that comes next.
    pub(crate) fn next(&mut self) -> Result<Option<Raw<'_>>> {
        if std::mem::replace(&mut self.begun, true) {
            self.walk.advance()?;
        }
        self.current()
    }

    /// The entry that it stands at.
    pub(crate) fn current(&mut self) -> Result<Option<Raw<'_>>> {
        let Some(at) = self.walk.at() else { return Ok(None) };
        if !at.is_present() {
            return Ok(Some((at.key(), None)));
        }
        let schema = at.run.schema();
        let mut values: Vec<&[u8]> = (0..schema.columns.len()).map(|c| at.column(c)).collect();
        if schema.heavy {
            values.push(at.heavy().load_through(&mut self.window)?);
        }
        Ok(Some((at.key(), Some(values))))
    }

    /// The key that it stands at.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.walk.at().map(crate::run::At::key)
    }

    pub(crate) fn advance(&mut self) -> Result<()> {
        self.walk.advance()
    }
}

/// Make one run of several that stand next to each other, the newest first. `oldest` says that
/// nothing stands below them, so tombstones have nothing left to hide.
pub(crate) fn merge(
    disk: &dyn Disk,
    runs: &[Arc<Run>],
    number: u64,
    oldest: bool,
    cache: &Arc<Cache>,
) -> Result<Option<Arc<Run>>> {
    let Some(first) = runs.first() else { return Ok(None) };
    let mut writer = RunWriter::new(disk, first.schema(), first.entry.tree, number)?;
    match merge_into(&mut writer, runs, oldest) {
        Ok(()) => writer.finish(cache),
        Err(error) => {
            writer.remove();
            Err(error)
        }
    }
}

fn merge_into(writer: &mut RunWriter<'_>, runs: &[Arc<Run>], oldest: bool) -> Result<()> {
    let mut inputs: Vec<Entries> = runs.iter().map(Entries::new).collect::<Result<_>>()?;
    loop {
        let mut least: Option<(usize, &[u8])> = None;
        for (index, input) in inputs.iter().enumerate() {
            // Of equal keys the first, which is the newest, wins.
            if let Some(key) = input.key().filter(|key| least.is_none_or(|(_, held)| *key < held)) {
                least = Some((index, key));
            }
        }
        let Some((winner, key)) = least else { return Ok(()) };
        let key = key.to_vec();
        if let Some((key, values)) = inputs.get_mut(winner).map_or(Ok(None), Entries::current)?
            && (values.is_some() || !oldest)
        {
            writer.push(key, values.as_deref())?;
        }
        for input in &mut inputs {
            if input.key() == Some(&key) {
                input.advance()?;
            }
        }
    }
}
