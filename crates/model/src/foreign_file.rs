//! Files that people take for checkpoints: what they are, and what to do with them.

use std::path::Path;

use safetensors::SafeTensors;

/// How files start that are no checkpoints, what they are, and what to do.
const STARTS: [(&[u8], &str); 7] = [
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, which stands for the file; fetch the file itself with `git lfs pull`",
    ),
    (b"\x1f\x8b", "compressed with gzip; unpack it first, with `gunzip`"),
    (b"\xfd7zXZ\0", "compressed with xz; unpack it first, with `unxz`"),
    (b"BZh", "compressed with bzip2; unpack it first, with `bunzip2`"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first, with `unzstd`"),
    (b"\x89HDF\r\n", "an HDF5 file; save the state dict with torch.save or as safetensors"),
    (b"\x93NUMPY", "a NumPy array; save the state dict with torch.save or as safetensors"),
];

/// How the text of a web page starts, in lower case.
const WEB_PAGES: [&str; 2] = ["<!doctype html", "<html"];

/// What the names of the tensors of an optimiser's state start with.
const MOMENTS: &str = "moment_1.";

/// What a file is, if it is known to be no checkpoint, and what to do.
pub(crate) fn what_it_is(path: &Path, bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some("empty; take another checkpoint".to_owned());
    }
    if let Some((_, what)) = STARTS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some((*what).to_owned());
    }
    if let Ok(tensors) = SafeTensors::deserialize(bytes)
        && tensors.names().iter().any(|name| name.starts_with(MOMENTS))
    {
        let weights = path.to_string_lossy().replace(".optimizer.", ".");
        return Some(format!("the optimiser's state of a run; its weights are beside it, in {weights}"));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let start: String =
        text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').chars().take(64).collect();
    let is_page = WEB_PAGES.iter().any(|page| start.to_lowercase().starts_with(page));
    let what = match is_page {
        true => "a web page; download the file itself, which is behind a link such as `raw` or `download`",
        false => "a text file; give a checkpoint: safetensors, or what torch.save writes",
    };
    Some(what.to_owned())
}

#[cfg(test)]
mod tests {
    use safetensors::{Dtype, tensor::TensorView};

    use super::*;

    fn what(bytes: &[u8]) -> Option<String> {
        what_it_is(Path::new("runs/a/checkpoints/step-0000200.optimizer.safetensors"), bytes)
    }

    #[test]
    fn what_people_take_for_checkpoints_is_named() {
        let data = [0; 4];
        let tensor = |name| vec![(name, TensorView::new(Dtype::F32, vec![1], &data).unwrap())];
        let moments = safetensors::serialize(tensor("moment_1.embed.W_E"), None).unwrap();
        for (bytes, words) in [
            (&b""[..], "empty"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
            (b"\x1f\x8b\x08\0\0", "gunzip"),
            (b"\n<!DOCTYPE html>\n<html lang=\"en\">", "a web page"),
            (b"<html><body>Not found", "a web page"),
            (b"{\"state\": \"finished\"}", "a text file"),
            ("seed = 1 # \u{3c9}".as_bytes(), "a text file"),
            (&moments, "in runs/a/checkpoints/step-0000200.safetensors"),
        ] {
            let what = what(bytes).unwrap();
            assert!(what.contains(words), "{what:?} lacks {words:?}");
        }
    }

    #[test]
    fn what_may_be_a_checkpoint_is_left_to_its_reader() {
        let data = [0; 4];
        let tensors = [("embed.W_E", TensorView::new(Dtype::F32, vec![1], &data).unwrap())];
        let weights = safetensors::serialize(tensors, None).unwrap();
        for bytes in [&weights[..], b"PK\x03\x04", b"\x80\x02}q\x00.", b"\xff\xfe"] {
            assert_eq!(what(bytes), None);
        }
    }
}
