//! The ZIP that an archive is: put together of files that were packed one by one, and taken apart again.

use std::io::{Cursor, Read as _, Write as _};

use rapport_domain::archive::{
    FORMAT, Lines, MANIFEST, MOST_LINES_BYTES, Manifest, SIGNATURE, Signature, VERSION, is_signed,
};
use rapport_runtime::BoxError;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The manifest and its signature are no longer than this, in bytes.
const MOST_WORDS: u64 = 4 * 1024 * 1024;

/// The SHA-256 of bytes in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn options() -> SimpleFileOptions {
    // No time of its own, so that the same lines give the same bytes.
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
}

/// One file of lines, packed by itself.
pub(crate) fn piece(name: &str, bytes: &[u8]) -> Result<Vec<u8>, BoxError> {
    let mut pack = ZipWriter::new(Cursor::new(Vec::new()));
    pack.start_file(name, options())?;
    pack.write_all(bytes)?;
    Ok(pack.finish()?.into_inner())
}

/// An archive that is put together.
pub(crate) struct Pack(ZipWriter<Cursor<Vec<u8>>>);

impl Pack {
    pub(crate) fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// Adds what was packed by itself, as it is.
    pub(crate) fn add(&mut self, piece: Vec<u8>) -> Result<(), BoxError> {
        let mut piece = ZipArchive::new(Cursor::new(piece))?;
        self.0.raw_copy_file(piece.by_index_raw(0)?)?;
        Ok(())
    }

    /// Adds who answers for all of it, and ends.
    pub(crate) fn finish(mut self, manifest: &[u8], signature: &Signature) -> Result<Vec<u8>, BoxError> {
        self.0.start_file(MANIFEST, options())?;
        self.0.write_all(manifest)?;
        self.0.start_file(SIGNATURE, options())?;
        self.0.write_all(&serde_json::to_vec(signature)?)?;
        Ok(self.0.finish()?.into_inner())
    }
}

/// An archive that is taken apart.
pub(crate) struct Opened {
    zip: ZipArchive<Cursor<Vec<u8>>>,
    /// What it says of itself.
    pub(crate) manifest: Manifest,
    /// Who answers for that.
    pub(crate) signature: Signature,
}

impl Opened {
    /// Opens an archive.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub(crate) fn open(bytes: Vec<u8>) -> Result<Self, String> {
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("the file is no ZIP: {error}"))?;
        let words = read(&mut zip, MANIFEST, MOST_WORDS)?;
        let signature = read(&mut zip, SIGNATURE, MOST_WORDS)?;
        let signature: Signature =
            serde_json::from_slice(&signature).map_err(|error| format!("{SIGNATURE} cannot be read: {error}"))?;
        if !is_signed(&signature, &words) {
            return Err(format!(
                "the signature does not hold: {MANIFEST} was changed since it was signed"
            ));
        }
        let manifest: Manifest =
            serde_json::from_slice(&words).map_err(|error| format!("{MANIFEST} cannot be read: {error}"))?;
        if manifest.format != FORMAT || manifest.version != VERSION {
            return Err(format!(
                "this is {} of version {}, not {FORMAT} of version {VERSION}",
                manifest.format, manifest.version
            ));
        }
        Ok(Self {
            zip,
            manifest,
            signature,
        })
    }

    /// The text of a file of lines, which is what the manifest says.
    ///
    /// # Errors
    /// Why it is not, in words.
    pub(crate) fn lines(&mut self, file: &Lines) -> Result<String, String> {
        let bytes = read(&mut self.zip, &file.name, MOST_LINES_BYTES.min(file.bytes))?;
        if bytes.len() as u64 != file.bytes || digest(&bytes) != file.sha256 {
            return Err(format!(
                "{} is not what the manifest says: it was changed or cut off",
                file.name
            ));
        }
        let text = String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", file.name))?;
        if text.lines().count() as u64 != file.rows {
            return Err(format!("{} has other lines than the manifest says", file.name));
        }
        Ok(text)
    }
}

fn read(zip: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str, most: u64) -> Result<Vec<u8>, String> {
    let file = zip
        .by_name(name)
        .map_err(|_| format!("there is no {name} in the file"))?;
    let mut bytes = Vec::new();
    // What a file claims to hold is not believed: it is read as far as it may reach.
    let read = file
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{name} cannot be read: {error}"))?;
    if read as u64 > most {
        return Err(format!("{name} is longer than it may be"));
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::archive::{sign, signing_key};

    fn manifest(files: Vec<Lines>) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            service: "http://a".to_owned(),
            tenant: "tnt_1".to_owned(),
            company: "A".to_owned(),
            created_at: "2026-11-28T00:00:00Z".parse().unwrap(),
            files,
        }
    }

    fn packed(lines: &str, told: &Lines, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let words = serde_json::to_vec(&manifest(vec![told.clone()])).unwrap();
        let signature = sign(&signing_key(&[1; 32]), &words);
        let mut pack = Pack::new();
        pack.add(piece(&told.name, lines.as_bytes()).unwrap()).unwrap();
        pack.finish(&change(words), &signature).unwrap()
    }

    #[test]
    fn what_was_packed_is_opened_and_what_was_changed_is_not() {
        let lines = "{\"a\":1}\n{\"a\":2}\n";
        let told = Lines {
            name: "leads.ndjson".to_owned(),
            kind: "leads".to_owned(),
            rows: 2,
            bytes: lines.len() as u64,
            sha256: digest(lines.as_bytes()),
        };
        let same = |words: Vec<u8>| words;
        let mut opened = Opened::open(packed(lines, &told, same)).unwrap();
        assert_eq!(opened.lines(&told).unwrap(), lines);

        let spoilt = |words: Vec<u8>| String::from_utf8(words).unwrap().replace("tnt_1", "tnt_2").into_bytes();
        let error = Opened::open(packed(lines, &told, spoilt)).err().unwrap();
        assert!(error.contains("signature"), "{error}");

        let longer = lines.replace('1', "11");
        let mut opened = Opened::open(packed(&longer, &told, same)).unwrap();
        assert!(opened.lines(&told).unwrap_err().contains("longer"));
        let other = lines.replace('1', "3");
        let mut opened = Opened::open(packed(&other, &told, same)).unwrap();
        assert!(opened.lines(&told).unwrap_err().contains("manifest says"));
        assert!(Opened::open(b"no".to_vec()).err().unwrap().contains("no ZIP"));
        let whole = packed(lines, &told, same);
        assert!(Opened::open(whole[..whole.len() - 30].to_vec()).is_err());
    }
}
