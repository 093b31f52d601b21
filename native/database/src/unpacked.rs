//! Rows as the C interface takes them: `MessagePack` as other languages' libraries write it, where
//! numbers and lengths have whatever form is shortest.

use crate::bytes::Take;
use crate::error::{Error, Result};
use crate::row::{NewRow, Stat};

/// Fields of a row, and of the stat within it.
const FIELDS: u32 = 11;
const STAT_FIELDS: u32 = 5;

/// A row as a caller hands it in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GivenRow {
    pub(crate) id: u64,
    /// The transaction that the caller read it at.
    pub(crate) seq: u64,
    pub(crate) row: NewRow,
}

/// Read a row; its length of stored bytes and its deletion are nobody's to say.
pub(crate) fn unpack(packed: &[u8]) -> Result<GivenRow> {
    let mut fields = Fields(Take::new(packed));
    let read = |fields: &mut Fields<'_>| {
        fields.array(FIELDS)?;
        let id = fields.unsigned()?;
        let (filename, metadata) = (fields.text()?, fields.text()?);
        let root = u32::try_from(fields.unsigned()?).ok()?;
        let (path, hash) = (fields.text()?, fields.text()?);
        fields.array(STAT_FIELDS)?;
        let stat = Stat {
            size: fields.unsigned()?,
            mtime_ns: fields.signed()?,
            ctime_ns: fields.signed()?,
            inode: fields.unsigned()?,
            volume: fields.unsigned()?,
        };
        let seq = fields.unsigned()?;
        let has_data = fields.truth()?;
        fields.unsigned()?;
        fields.signed()?;
        fields.0.is_at_end().then_some(())?;
        let content_hash = hash.try_into().ok()?;
        let (path, filename, metadata) = (path.into(), filename.into(), metadata.into());
        let row = NewRow { root, path, filename, metadata, content_hash, has_data, stat };
        Some(GivenRow { id, seq, row })
    };
    read(&mut fields).ok_or_else(|| {
        let at = fields.0.position();
        let what = "is not what the header draws: a number is out of its range, or a content hash \
                    has not 32 bytes";
        Error::Invalid(format!("the packed row {what} (before byte {at})"))
    })
}

/// What is left of a row.
struct Fields<'a>(Take<'a>);

impl<'a> Fields<'a> {
    /// A big-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> Option<u64> {
        let bytes = self.0.take(width)?;
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn array(&mut self, count: u32) -> Option<()> {
        let found = match self.0.u8()? {
            mark @ 0x90..=0x9f => u64::from(mark & 0x0f),
            0xdc => self.number(2)?,
            0xdd => self.number(4)?,
            _ => return None,
        };
        (found == u64::from(count)).then_some(())
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let width = match self.0.u8()? {
            0xc4 => 1,
            0xc5 => 2,
            0xc6 => 4,
            _ => return None,
        };
        let length = usize::try_from(self.number(width)?).ok()?;
        self.0.take(length)
    }

    /// A number, as wide as any: also what is negative, which has forms of its own.
    fn integer(&mut self) -> Option<i128> {
        let mark = self.0.u8()?;
        let width = 1_usize << (mark & 3);
        Some(match mark {
            0..=0x7f => i128::from(mark),
            0xe0..=0xff => i128::from(mark) - 0x100,
            0xcc..=0xcf => i128::from(self.number(width)?),
            0xd0..=0xd3 => {
                let bits = 64 - 8 * width;
                let number = self.number(width)? << bits;
                i128::from(number.cast_signed() >> bits)
            }
            _ => return None,
        })
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.integer()?.try_into().ok()
    }

    fn signed(&mut self) -> Option<i64> {
        self.integer()?.try_into().ok()
    }

    fn truth(&mut self) -> Option<bool> {
        match self.0.u8()? {
            0xc2 => Some(false),
            0xc3 => Some(true),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way in which an integer may be written.
    fn integers(value: i128) -> Vec<Vec<u8>> {
        let mut forms = Vec::new();
        if let Ok(small) = i8::try_from(value)
            && small >= -32
        {
            forms.push(small.to_be_bytes().to_vec());
        }
        let bytes = value.to_be_bytes();
        for (power, width) in [1, 2, 4, 8].into_iter().enumerate() {
            let power = u8::try_from(power).unwrap();
            let tail = &bytes[16 - width..];
            let bits = 8 * width;
            if (0..1_i128 << bits).contains(&value) {
                forms.push([&[0xcc + power], tail].concat());
            }
            if (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&value) {
                forms.push([&[0xd0 + power], tail].concat());
            }
        }
        forms
    }

    fn packed(numbers: &[Vec<u8>; 10], texts: [&[u8]; 4]) -> Vec<u8> {
        let [filename, metadata, path, hash] = texts.map(|text| {
            let length = u16::try_from(text.len()).unwrap().to_be_bytes();
            [&[0xc5][..], &length, text].concat()
        });
        let [id, root, size, mtime, ctime, inode, volume, seq, length, deleted] = numbers;
        let head = [&[0x9b][..], id, &filename, &metadata, root, &path, &hash].concat();
        let stat = [&[0x95][..], size, mtime, ctime, inode, volume].concat();
        [head, stat, [&seq[..], &[0xc3], length, deleted].concat()].concat()
    }

    proptest! {
        /// A row is read whatever forms its numbers have; cut short anywhere it is refused.
        #[test]
        fn rows_are_read(
            id in any::<u64>(), root in any::<u32>(), mtime in any::<i64>(), form in 0..9_usize,
        ) {
            let form = |value: i128| {
                let forms = integers(value);
                forms[form % forms.len()].clone()
            };
            let numbers = [
                form(id.into()), form(root.into()), form(5), form(mtime.into()), form(-7),
                form(1 << 40), form(300), form(70_000), form(0), form(-1),
            ];
            let texts: [&[u8]; 4] = [b"a.jpg", b"{}", b"b/a.jpg", &[7; 32]];
            let bytes = packed(&numbers, texts);
            let given = unpack(&bytes).unwrap();
            let stat =
                Stat { size: 5, mtime_ns: mtime, ctime_ns: -7, inode: 1 << 40, volume: 300 };
            let row = NewRow {
                root,
                path: (*b"b/a.jpg").into(),
                filename: (*b"a.jpg").into(),
                metadata: (*b"{}").into(),
                content_hash: [7; 32],
                has_data: true,
                stat,
            };
            prop_assert_eq!(given, GivenRow { id, seq: 70_000, row });
            for end in 0..bytes.len() {
                prop_assert!(unpack(&bytes[..end]).is_err(), "cut at {}", end);
            }
            prop_assert!(unpack(&[&bytes[..], &[0]].concat()).is_err());
        }

        /// Whatever is handed in is read or refused.
        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            _ = unpack(&bytes);
        }
    }

    /// What is out of a field's range is refused: a negative size, a root of more than 32 bits, a
    /// hash of another length.
    #[test]
    fn ranges_are_kept() {
        let one = || vec![1];
        let good = || std::array::from_fn::<_, 10, _>(|_| one());
        let texts: [&[u8]; 4] = [b"a.jpg", b"{}", b"", &[0; 32]];
        assert!(unpack(&packed(&good(), texts)).is_ok());
        for (field, value) in [(0, vec![0xff]), (1, [&[0xcf][..], &[1; 8]].concat())] {
            let mut numbers = good();
            numbers[field] = value;
            assert!(unpack(&packed(&numbers, texts)).is_err(), "field {field}");
        }
        assert!(unpack(&packed(&good(), [b"a.jpg", b"{}", b"", &[0; 31]])).is_err());
    }
}
