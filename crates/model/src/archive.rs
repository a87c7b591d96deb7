//! Zip archives: what `torch.save` writes, whose files are not compressed, and what `numpy.savez` does, whose may be.

use std::{borrow::Cow, collections::BTreeMap, io::Read, ops::Range};

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};

/// How many times its archive's size the unpacked files may take together. Weights hardly get smaller when they are
/// compressed; what unpacks to more than that is there to fill the memory.
const MAX_UNPACKED: usize = 64;

/// The files in an archive.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    files: BTreeMap<String, Entry>,
}

/// A file in an archive.
struct Entry {
    range: Range<usize>,
    is_compressed: bool,
    crc32: u32,
}

type Result<T> = std::result::Result<T, String>;

impl<'a> Archive<'a> {
    /// Reads an archive's directory.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let broken = |e: rawzip::Error| format!("its archive is broken: {e}");
        let archive = ZipArchive::from_slice(bytes).map_err(broken)?;
        let mut records = archive.entries();
        let mut files = BTreeMap::new();
        while let Some(record) = records.next_entry().map_err(broken)? {
            if record.is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
            let is_compressed = match record.compression_method() {
                CompressionMethod::STORE => false,
                CompressionMethod::DEFLATE => true,
                _ => return Err(format!("its archive has {name} in a compression that is not read")),
            };
            let (start, end) = archive.get_entry(record.wayfinder()).map_err(broken)?.compressed_data_range();
            let entry = Entry { range: start as usize..end as usize, is_compressed, crc32: record.crc32() };
            files.insert(name, entry);
        }
        Ok(Self { bytes, files })
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Where each file's bytes are, none of them compressed.
    pub fn stored(&self) -> Result<BTreeMap<&str, Range<usize>>> {
        let stored = |(name, entry): (&'_ String, &Entry)| {
            // `torch.save` compresses nothing. What unpacks to more than it is would make a small file fill the memory.
            if entry.is_compressed {
                return Err(
                    "a compressed archive; save the state dict with torch.save, which does not compress"
                        .into(),
                );
            }
            entry.check(name, &self.bytes[entry.range.clone()]).map(|()| entry.range.clone())
        };
        self.files.iter().map(|(name, entry)| Ok((&name[..], stored((name, entry))?))).collect()
    }

    /// The contents of every file, unpacked, by its name.
    pub fn unpacked(&self) -> Result<BTreeMap<&str, Cow<'a, [u8]>>> {
        let mut left = self.bytes.len().saturating_mul(MAX_UNPACKED);
        let mut unpacked = BTreeMap::new();
        for (name, entry) in &self.files {
            let packed = &self.bytes[entry.range.clone()];
            let contents: Cow<[u8]> = if entry.is_compressed {
                let contents =
                    unpacked_within(left, packed).map_err(|problem| format!("{name}: {problem}"))?;
                left -= contents.len();
                contents.into()
            } else {
                packed.into()
            };
            entry.check(name, &contents)?;
            unpacked.insert(&name[..], contents);
        }
        Ok(unpacked)
    }
}

impl Entry {
    fn check(&self, name: &str, contents: &[u8]) -> Result<()> {
        // `torch.save` writes a checksum of zero where it is told to compute none.
        match self.crc32 == 0 || rawzip::crc32(contents) == self.crc32 {
            true => Ok(()),
            false => Err(format!("its archive is damaged: the checksum of {name} is wrong")),
        }
    }
}

/// Unpacks what takes no more than this many bytes.
fn unpacked_within(most: usize, packed: &[u8]) -> Result<Vec<u8>> {
    let mut contents = Vec::new();
    let read = DeflateDecoder::new(packed).take(most as u64 + 1).read_to_end(&mut contents);
    read.map_err(|e| format!("its archive is damaged: {e}"))?;
    match contents.len() > most {
        true => Err(format!("its archive unpacks to more than {MAX_UNPACKED} times its size")),
        false => Ok(contents),
    }
}
