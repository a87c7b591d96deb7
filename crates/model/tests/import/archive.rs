//! Archives as `torch.save` lays them out: each file's bytes at a multiple of 64, its sizes behind it, and records of
//! 64 bits at the end whether they are needed or not.

/// How an archive is laid out.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that a writer may do or leave, whatever it does else"
)]
pub struct Archive {
    /// The folder that all files are in, named after the file that was saved to.
    pub folder: String,
    /// At which multiple of bytes a file's contents begin.
    pub alignment: usize,
    /// Whether the sizes of a file stand behind it.
    pub has_sizes_behind: bool,
    /// Whether the directory's place and size are written in 64 bits too.
    pub has_records_of_64_bits: bool,
    /// Whether checksums are computed.
    pub has_checksums: bool,
    /// Whether the files that describe the format are there.
    pub is_described: bool,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            folder: "archive".to_owned(),
            alignment: 64,
            has_sizes_behind: true,
            has_records_of_64_bits: true,
            has_checksums: true,
            is_described: true,
        }
    }
}

impl Archive {
    /// The archive of a pickle and the storages that it refers to.
    pub fn of(&self, pickle: &[u8], storages: &[Vec<u8>]) -> Vec<u8> {
        let mut files = vec![("data.pkl".to_owned(), pickle)];
        if self.is_described {
            let facts =
                [(".format_version", &b"1"[..]), (".storage_alignment", b"64"), ("byteorder", b"little")];
            files.extend(facts.map(|(name, text)| (name.to_owned(), text)));
        }
        let storages = storages.iter().enumerate();
        files.extend(storages.map(|(i, storage)| (format!("data/{i}"), &storage[..])));
        if self.is_described {
            files.extend(
                [("version", &b"3\n"[..]), (".data/serialization_id", b"0123")]
                    .map(|(n, t)| (n.to_owned(), t)),
            );
        }
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, contents) in &files {
            self.add(&format!("{}/{name}", self.folder), contents, &mut bytes, &mut directory);
        }
        let (start, size, count) = (bytes.len(), directory.len(), files.len());
        bytes.extend(directory);
        if self.has_records_of_64_bits {
            let at = bytes.len() as u64;
            bytes.extend(b"PK\x06\x06");
            bytes.extend(44_u64.to_le_bytes());
            bytes.extend([0x1e, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            [count, count, size, start]
                .iter()
                .for_each(|&number| bytes.extend((number as u64).to_le_bytes()));
            bytes.extend(b"PK\x06\x07\0\0\0\0");
            bytes.extend(at.to_le_bytes());
            bytes.extend(1_u32.to_le_bytes());
        }
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        [count, count].iter().for_each(|&number| bytes.extend((number as u16).to_le_bytes()));
        [size, start].iter().for_each(|&number| bytes.extend((number as u32).to_le_bytes()));
        bytes.extend([0, 0]);
        bytes
    }

    /// Adds a file and its entry in the directory.
    fn add(&self, name: &str, contents: &[u8], bytes: &mut Vec<u8>, directory: &mut Vec<u8>) {
        let at = bytes.len() as u32;
        let flags: u16 = if self.has_sizes_behind { 0x0808 } else { 0x0800 };
        let checksum = if self.has_checksums { rawzip::crc32(contents) } else { 0 };
        let mut facts = checksum.to_le_bytes().to_vec();
        facts.extend([contents.len() as u32; 2].iter().flat_map(|size| size.to_le_bytes()));
        let unaligned = bytes.len() + 30 + name.len() + 4;
        let padding = unaligned.next_multiple_of(self.alignment) - unaligned;

        bytes.extend(b"PK\x03\x04\0\0");
        bytes.extend(flags.to_le_bytes());
        bytes.extend([0; 6]);
        bytes.extend(if self.has_sizes_behind { vec![0; 12] } else { facts.clone() });
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend((4 + padding as u16).to_le_bytes());
        bytes.extend(name.bytes());
        bytes.extend(b"FB");
        bytes.extend((padding as u16).to_le_bytes());
        bytes.extend(vec![b'Z'; padding]);
        bytes.extend(contents);
        if self.has_sizes_behind {
            bytes.extend(b"PK\x07\x08");
            bytes.extend(&facts);
        }

        directory.extend(b"PK\x01\x02\0\0\0\0");
        directory.extend(flags.to_le_bytes());
        directory.extend([0; 6]);
        directory.extend(&facts);
        directory.extend((name.len() as u16).to_le_bytes());
        directory.extend([0; 12]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.bytes());
    }
}
