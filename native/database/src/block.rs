//! Blocks: what a run is made of. A block holds some entries, columns apart, in two parts that
//! are stored one behind the other: the light one with keys, numbers and short texts, and the
//! heavy one with each entry's one long text. FORMAT.md draws them.

use zstd::zstd_safe::DDict;

use crate::bytes::{Put, Take};
use crate::codec::{Encoder, Shape};
use crate::column::Column;
use crate::filter::hash;
use crate::ready::Ready;
use crate::slab::Slabs;

/// No block holds more entries.
const MOST: u64 = 1 << 20;

/// What a tree's entries are made of.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The tree's name, for messages.
    pub(crate) name: &'static str,
    /// Keys: numbers, or texts of any length.
    pub(crate) key: Shape,
    /// Light columns.
    pub(crate) columns: &'static [Shape],
    /// Whether there is a heavy one.
    pub(crate) heavy: bool,
    /// Entries of a block, at most.
    pub(crate) block: usize,
    /// So many bytes of a key's beginning are what look-ups know; its filter is made of them.
    /// 0 where nobody looks single keys up.
    pub(crate) filtered: usize,
}

impl Schema {
    /// What a filter knows of a key, or of a key's beginning that is long enough.
    pub(crate) fn hash(&self, key: &[u8]) -> Option<u64> {
        match self.filtered {
            0 => None,
            usize::MAX => Some(hash(key)),
            length => key.get(..length).map(hash),
        }
    }
}

/// The light part of a block, decoded.
#[derive(Debug, Default)]
pub(crate) struct Light {
    pub(crate) keys: Column,
    /// Whether each entry is a value, not a tombstone; empty where all are.
    present: Vec<bool>,
    columns: Vec<Column>,
}

impl Light {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether the entry at `index` is a value, not a tombstone.
    pub(crate) fn is_present(&self, index: usize) -> bool {
        self.present.get(index).copied().unwrap_or(true)
    }

    pub(crate) fn get(&self, column: usize, index: usize) -> &[u8] {
        self.columns.get(column).map_or(&[], |column| column.get(index))
    }

    fn decode(bytes: &[u8], schema: &Schema) -> Option<Self> {
        let mut take = Take::new(bytes);
        let count = usize::try_from(take.varint()?).ok().filter(|count| *count as u64 <= MOST)?;
        let mut present = Vec::new();
        if take.u8()? != 0 {
            let bits = take.take(count.div_ceil(8))?;
            let bit = |index: usize| bits.get(index / 8).map(|byte| byte >> (index % 8) & 1 == 1);
            present = (0..count).map(bit).collect::<Option<_>>()?;
        }
        let keys = match schema.key {
            Shape::Bytes => Column::decode_sorted(&mut take, count)?,
            shape => Column::decode(&mut take, shape, count, None)?,
        };
        let decode = |shape: &Shape| Column::decode(&mut take, *shape, count, None);
        let columns = schema.columns.iter().map(decode).collect::<Option<_>>()?;
        take.is_at_end().then_some(Self { keys, present, columns })
    }
}

/// A decoded part of a block.
#[derive(Debug)]
pub(crate) enum Part {
    Light(Light),
    Heavy(Column),
    Ready(Ready),
}

impl Part {
    /// Bytes that it takes in memory.
    pub(crate) fn size(&self) -> usize {
        let own = match self {
            Self::Light(light) => {
                let columns = light.columns.iter().map(Column::size).sum::<usize>();
                light.keys.size() + light.present.len() + columns
            }
            Self::Heavy(column) => column.size(),
            Self::Ready(ready) => ready.size(),
        };
        // What the cache's own books take.
        own + 160
    }

    /// Hold what look-ups search in huge pages.
    pub(crate) fn settle(&mut self, slabs: &Slabs) {
        // Keys of one width are searched without anything else of the block.
        if let Self::Light(light) = self
            && light.keys.is_even()
            && light.columns.is_empty()
        {
            light.keys.settle(slabs);
        }
    }

    /// Read the light part.
    pub(crate) fn light(bytes: &[u8], schema: &Schema) -> Option<Self> {
        Light::decode(bytes, schema).map(Self::Light)
    }

    /// Read the heavy part of a block with `count` entries.
    pub(crate) fn heavy(
        bytes: &[u8],
        count: usize,
        dictionary: Option<&DDict<'static>>,
    ) -> Option<Self> {
        let mut take = Take::new(bytes);
        let column = Column::decode(&mut take, Shape::Bytes, count, dictionary)?;
        take.is_at_end().then_some(Self::Heavy(column))
    }
}

/// A block that is being filled.
#[derive(Debug)]
pub(crate) struct Draft {
    schema: &'static Schema,
    pub(crate) keys: Column,
    present: Vec<bool>,
    columns: Vec<Column>,
    pub(crate) heavy: Column,
}

impl Draft {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        let column = |shape: Shape| match shape {
            Shape::Bytes => Column::default(),
            Shape::Numbers(widths) | Shape::Keys(widths) => Column::even(widths.iter().sum()),
        };
        Self {
            schema,
            keys: column(schema.key),
            present: Vec::new(),
            columns: schema.columns.iter().map(|shape| column(*shape)).collect(),
            heavy: Column::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.present.len()
    }

    /// Bytes of texts.
    pub(crate) fn weight(&self) -> usize {
        let light = self.columns.iter().map(|column| column.bytes().len()).sum::<usize>();
        light + self.keys.bytes().len() + self.heavy.bytes().len()
    }

    /// Append an entry; `values` are its columns, the heavy one last, or None for a tombstone.
    pub(crate) fn push(&mut self, key: &[u8], values: Option<&[&[u8]]>) {
        self.keys.append(key);
        self.present.push(values.is_some());
        let mut values = values.unwrap_or_default().iter();
        for column in &mut self.columns {
            column.append(values.next().copied().unwrap_or_default());
        }
        if self.schema.heavy {
            self.heavy.append(values.next().copied().unwrap_or_default());
        }
    }

    /// The stored form of the light part.
    pub(crate) fn light(&self, encoder: &mut Encoder) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_varint(self.len() as u64);
        let all = self.present.iter().all(|present| *present);
        out.put_u8(u8::from(!all));
        if !all {
            let byte = |bits: &[bool]| {
                bits.iter().enumerate().fold(0, |sum, (bit, set)| sum | u8::from(*set) << bit)
            };
            out.extend(self.present.chunks(8).map(byte));
        }
        match self.schema.key {
            Shape::Bytes => self.keys.encode_sorted(encoder, &mut out),
            shape => self.keys.encode(shape, encoder, &mut out),
        }
        for (column, shape) in self.columns.iter().zip(self.schema.columns) {
            column.encode(*shape, encoder, &mut out);
        }
        out
    }

    /// The stored form of the heavy part.
    pub(crate) fn heavy(&self, encoder: &mut Encoder) -> Vec<u8> {
        let mut out = Vec::new();
        if self.schema.heavy {
            self.heavy.encode(Shape::Bytes, encoder, &mut out);
        }
        out
    }
}
