//! Files taken apart and put together again with right checksums, so that what stands behind
//! these can be had wrong. Offsets are FORMAT.md's.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::cast_possible_truncation, reason = "files of tests are small")]

use twox_hash::XxHash3_64;

const RUN_HEADER: usize = 64;
const RUN_FOOTER: usize = 80;
const PLACE: usize = 28;
const MANIFEST: usize = 168;
const ENTRY: usize = 40;
const FRAME: usize = 64;
const RAW: u8 = 0;
const ZSTD: u8 = 1;

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Give the structure that ends with its checksum the right one.
pub fn seal(structure: &mut [u8]) {
    let end = structure.len() - 8;
    let check = XxHash3_64::oneshot(&structure[..end]);
    structure[end..].copy_from_slice(&check.to_le_bytes());
}

fn varint(bytes: &[u8], at: &mut usize) -> usize {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    unreachable!("a varint ends")
}

fn put_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A column at `at`, raw where it was compressed alone; codecs that shuffle are left as they are.
fn column(bytes: &[u8], at: &mut usize, dictionary: &[u8]) -> Vec<u8> {
    let begin = *at;
    let codec = bytes[*at];
    *at += 1;
    let length = varint(bytes, at);
    let stored = if codec == RAW { length } else { varint(bytes, at) };
    let from = *at;
    *at += stored;
    if codec != ZSTD {
        return bytes[begin..*at].to_vec();
    }
    let mut context = zstd::bulk::Decompressor::with_dictionary(dictionary).unwrap();
    let raw = context.decompress(&bytes[from..*at], length).unwrap();
    let mut out = vec![RAW];
    put_varint(length, &mut out);
    out.extend(raw);
    out
}

fn columns(bytes: &[u8], mut at: usize, dictionary: &[u8]) -> Vec<u8> {
    let mut out = bytes[..at].to_vec();
    while at < bytes.len() {
        out.extend(column(bytes, &mut at, dictionary));
    }
    out
}

/// A block of a run, its columns raw where they can be.
#[derive(Clone, Debug)]
pub struct Block {
    pub light: Vec<u8>,
    pub heavy: Vec<u8>,
    pub entries: u32,
}

/// A run in its parts.
#[derive(Clone, Debug)]
pub struct RunParts {
    header: Vec<u8>,
    pub blocks: Vec<Block>,
    pub dictionary: Vec<u8>,
    /// The index's first column: keys.
    pub keys: Vec<u8>,
    pub filter: Vec<u8>,
    pub entries: u64,
}

impl RunParts {
    /// Take a sound run apart.
    pub fn of(file: &[u8]) -> Self {
        let end = file.len() - RUN_FOOTER;
        let at = |offset: usize| u64_at(file, end + offset) as usize;
        let (dictionary, index, filter) = (at(8), at(16), at(24));
        let index_bytes = &file[index..filter];
        let mut next = 0;
        let keys = column(index_bytes, &mut next, b"");
        assert_eq!(index_bytes[next], RAW, "few blocks' places are not worth compressing");
        next += 1;
        let length = varint(index_bytes, &mut next);
        assert_eq!(index_bytes.len() - next, length);
        let words = &file[dictionary..index];
        let mut offset = RUN_HEADER;
        let blocks = index_bytes[next..].chunks(PLACE).map(|place| {
            let (light, heavy) = (u32_at(place, 0) as usize, u32_at(place, 4) as usize);
            let bytes = &file[offset..offset + light];
            let mut start = 0;
            let count = varint(bytes, &mut start);
            start += 1 + if bytes[start] == 0 { 0 } else { count.div_ceil(8) };
            let block = Block {
                light: columns(bytes, start, b""),
                heavy: columns(&file[offset + light..offset + light + heavy], 0, words),
                entries: u32_at(place, 8),
            };
            offset += light + heavy;
            block
        });
        Self {
            header: file[..RUN_HEADER].to_vec(),
            blocks: blocks.collect(),
            dictionary: words.to_vec(),
            keys,
            filter: file[filter..end].to_vec(),
            entries: at(56) as u64,
        }
    }

    /// Put it together.
    pub fn assemble(&self) -> Vec<u8> {
        let check = |bytes: &[u8]| XxHash3_64::oneshot(bytes).to_le_bytes();
        let mut file = self.header.clone();
        let mut places = Vec::new();
        for block in &self.blocks {
            file.extend(&block.light);
            file.extend(&block.heavy);
            for number in [block.light.len() as u32, block.heavy.len() as u32, block.entries] {
                places.extend(number.to_le_bytes());
            }
            places.extend(check(&block.light));
            places.extend(check(&block.heavy));
        }
        let mut index = self.keys.clone();
        index.push(RAW);
        put_varint(places.len(), &mut index);
        index.extend(places);
        let mut footer = self.header[24..32].to_vec();
        let mut at = file.len() as u64;
        for part in [&self.dictionary, &index, &self.filter] {
            footer.extend(at.to_le_bytes());
            at += part.len() as u64;
            file.extend(part);
        }
        for part in [&self.dictionary, &index, &self.filter] {
            footer.extend(check(part));
        }
        footer.extend(self.entries.to_le_bytes());
        footer.extend((self.blocks.len() as u32).to_le_bytes());
        footer.extend([0; 12]);
        seal(&mut footer);
        assert_eq!(footer.len(), RUN_FOOTER);
        file.extend(footer);
        file
    }

    /// Have a manifest, in the place of that of the sound run, name this one of `length` bytes.
    pub fn enter(&self, manifest: &mut [u8], length: usize) {
        let runs = MANIFEST + ENTRY * u32_at(manifest, 12) as usize;
        let salt = u64_at(&self.header, 24);
        let end = manifest.len() - 8;
        let entry = manifest[runs..end].chunks_mut(ENTRY).find(|entry| u64_at(entry, 16) == salt);
        let entry = entry.unwrap();
        entry[24..32].copy_from_slice(&(length as u64).to_le_bytes());
        entry[32..40].copy_from_slice(&self.entries.to_le_bytes());
        seal(manifest);
    }
}

/// The frames of a segment: where each begins and how long its payload is.
pub fn frames(segment: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = FRAME;
    while segment.get(at..at + 4) == Some(b"PRf\x1a") {
        let length = u32_at(segment, at + 40) as usize;
        found.push((at, length));
        at += (FRAME + length).next_multiple_of(8);
    }
    found
}

/// Seal the frame at `at` with the payload's length that its header has.
pub fn seal_frame(segment: &mut [u8], at: usize) {
    let length = u32_at(segment, at + 40) as usize;
    let check = XxHash3_64::oneshot(&segment[at + FRAME..at + FRAME + length]);
    segment[at + 48..at + 56].copy_from_slice(&check.to_le_bytes());
    seal(&mut segment[at..at + FRAME]);
}
