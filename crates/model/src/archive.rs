//! The archive that `torch.save` writes: files that are not compressed.

use std::{collections::BTreeMap, ops::Range};

use rawzip::{CompressionMethod, ZipArchive};

/// The files in an archive, by name, and where their bytes are.
pub(crate) fn entries(bytes: &[u8]) -> Result<BTreeMap<String, Range<usize>>, String> {
    let broken = |e: rawzip::Error| format!("its archive is broken: {e}");
    let archive = ZipArchive::from_slice(bytes).map_err(broken)?;
    let mut records = archive.entries();
    let mut entries = BTreeMap::new();
    while let Some(record) = records.next_entry().map_err(broken)? {
        if record.is_dir() {
            continue;
        }
        let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
        // `torch.save` compresses nothing. What unpacks to more than it is would make a small file fill the memory.
        if record.compression_method() != CompressionMethod::STORE {
            return Err(
                "a compressed archive; save the state dict with torch.save, which does not compress".into()
            );
        }
        let entry = archive.get_entry(record.wayfinder()).map_err(broken)?;
        // `torch.save` writes a checksum of zero where it is told to compute none.
        if record.crc32() != 0 && rawzip::crc32(entry.data()) != record.crc32() {
            return Err(format!("its archive is damaged: the checksum of {name} is wrong"));
        }
        let (start, end) = entry.compressed_data_range();
        entries.insert(name, start as usize..end as usize);
    }
    Ok(entries)
}
