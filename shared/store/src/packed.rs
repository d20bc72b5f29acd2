//! Parts of files as they are kept: compressed.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

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
    }
}
