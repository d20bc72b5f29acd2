//! Parts of files as they are kept: compressed, in chunks.

use std::io::{self, Read as _, Write as _};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::{Item, Key, Store, StoreError, Table, number};

/// Chunks written at a time: a batch has 16 MB at most.
const CHUNKS_AT_ONCE: usize = 20;

/// No part is longer than this, in bytes: what unpacks to more is none of ours.
pub const MOST_BYTES: u64 = 6_000_000;
/// The same for a page of rows of a file: a hundred of them may be all that the file holds.
pub const MOST_ROWS_BYTES: u64 = 100_000_000;

/// Packs a part.
///
/// # Errors
/// Never in memory.
pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Unpacks a part.
///
/// # Errors
/// When it is none, or longer than a part can be.
pub fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    unpack_at_most(packed, MOST_BYTES)
}

/// Unpacks a part of at most so many bytes.
///
/// # Errors
/// When it is none, or longer.
pub fn unpack_at_most(packed: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(packed).take(most + 1).read_to_end(&mut bytes)?;
    if read as u64 > most {
        return Err(io::Error::other("a part of a file is longer than a part can be"));
    }
    Ok(bytes)
}

/// A chunk of a file as an item, which goes by itself at its end.
pub(crate) fn chunk(key: &Key, bytes: &[u8], expires: i64) -> Item {
    let mut item = key.attributes();
    item.insert("b".to_owned(), AttributeValue::B(Blob::new(bytes)));
    item.insert("expires".to_owned(), number(expires));
    item
}

/// The bytes of chunks in their order.
pub(crate) fn joined(items: &[Item]) -> Vec<u8> {
    let blobs = items
        .iter()
        .filter_map(|item| item.get("b").and_then(|value| value.as_b().ok()));
    blobs.flat_map(|blob| blob.as_ref().iter().copied()).collect()
}

impl Store {
    /// Writes a file in chunks of so many bytes, each in its place.
    pub(crate) async fn put_in_chunks(
        &self,
        table: Table,
        bytes: &[u8],
        size: usize,
        expires: i64,
        place: impl Fn(usize) -> Key,
    ) -> Result<(), StoreError> {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        for (group, first) in chunks.chunks(CHUNKS_AT_ONCE).zip((0..).step_by(CHUNKS_AT_ONCE)) {
            let items = group.iter().zip(first..);
            let items = items.map(|(bytes, n)| chunk(&place(n), bytes, expires)).collect();
            self.put_items(table, items).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_part_unpacks_to_what_it_was() {
        for part in [&b""[..], b"a,b\r\n", &[0, 255, 7]] {
            assert_eq!(unpack(&pack(part).unwrap()).unwrap(), part);
        }
        let bomb = pack(&vec![0; usize::try_from(MOST_BYTES).unwrap() + 1]).unwrap();
        assert!(bomb.len() < 100_000 && unpack(&bomb).is_err());
        assert!(unpack(b"nonsense").is_err());
        let ten = pack(&[7; 10]).unwrap();
        assert_eq!(unpack_at_most(&ten, 10).unwrap(), [7; 10]);
        assert!(unpack_at_most(&ten, 9).is_err());
    }
}
