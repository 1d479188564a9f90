//! Large payloads lie compressed in the store. An event that names two hundred items says nearly the same two hundred times: of a run over
//! many items some 17 of 18 bytes need not be written, hashed, synced and kept.
//!
//! A payload is JSON and begins with `{`. Compressed it begins with [`MARK`], then come the length of its text (four bytes, the least first) and
//! one block of LZ4 (the module needs neither the frame nor the hash of LZ4's own files). What the chain covers are the bytes that are stored, so they are verified before they are unpacked.

use std::borrow::Cow;

/// No JSON begins with it.
const MARK: u8 = 0x04;
const HEAD: usize = 5;

/// Smaller ones gain little, and are read by `sqlite3` as they are.
const WORTH: usize = 2048;

/// A block of LZ4 never becomes more than so many times its size.
const MOST: usize = 255;

/// As it is stored.
pub(super) fn stored(text: String) -> Vec<u8> {
    let Some(length) = u32::try_from(text.len()).ok().filter(|_| text.len() >= WORTH) else {
        return text.into_bytes();
    };
    let mut bytes = vec![0; HEAD + lz4_flex::block::get_maximum_output_size(text.len())];
    let Some(block) = bytes.get_mut(HEAD..) else { return text.into_bytes() };
    match lz4_flex::block::compress_into(text.as_bytes(), block) {
        // Whoever reads it pays for it, too.
        Ok(size) if size < text.len() / 4 * 3 => {
            bytes.truncate(HEAD + size);
            bytes.shrink_to_fit();
            bytes[0] = MARK;
            bytes[1..HEAD].copy_from_slice(&length.to_le_bytes());
            bytes
        }
        _ => text.into_bytes(),
    }
}

/// The text of what is stored, or what is wrong with it.
pub(super) fn text(stored: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let Some((length, block)) = parts(stored) else {
        return std::str::from_utf8(stored).map(Cow::Borrowed).map_err(|_| "its payload is not text");
    };
    const NONE: &str = "its payload cannot be unpacked";
    // Whoever wrote another length there must not make this one take four gigabytes.
    if length > block.len().saturating_mul(MOST) {
        return Err(NONE);
    }
    let unpacked = lz4_flex::block::decompress(block, length).map_err(|_| NONE)?;
    if unpacked.len() != length {
        return Err(NONE);
    }
    String::from_utf8(unpacked).map(Cow::Owned).map_err(|_| "its payload is not text")
}

/// How long its text is, by what it says.
pub(super) fn length(stored: &[u8]) -> usize {
    parts(stored).map_or(stored.len(), |(length, block)| length.min(block.len().saturating_mul(MOST)))
}

/// Length of the text and block, where it is compressed.
fn parts(stored: &[u8]) -> Option<(usize, &[u8])> {
    let (head, block) = stored.split_first_chunk::<HEAD>()?;
    let [MARK, length @ ..] = *head else { return None };
    Some((usize::try_from(u32::from_le_bytes(length)).ok()?, block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::samples::noise;
    use proptest::prelude::*;

    fn alike(count: usize) -> String {
        let items: Vec<String> = (0..count).map(|i| format!(r#"{{"item":"{i}","state":"submitted"}}"#)).collect();
        format!("[{}]", items.join(","))
    }

    #[test]
    fn what_is_large_and_alike_is_stored_in_a_tenth_and_comes_back() {
        let text = alike(200);
        let bytes = stored(text.clone());
        assert!(bytes.len() * 5 < text.len() && bytes[0] == MARK, "{} of {}", bytes.len(), text.len());
        assert_eq!((super::text(&bytes).unwrap(), length(&bytes)), (Cow::from(text.clone()), text.len()));
        assert_eq!(bytes.capacity(), bytes.len());
    }

    #[test]
    fn what_is_small_or_all_different_is_stored_as_it_is() {
        for text in [String::new(), "{}".to_owned(), alike(20), noise(9_000)] {
            assert_eq!((stored(text.clone()), length(text.as_bytes())), (text.clone().into_bytes(), text.len()));
            assert_eq!(super::text(text.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn a_length_that_is_not_its_own_is_refused_and_takes_no_memory() {
        let bytes = stored(alike(200));
        let of = |length: u32| [&[MARK][..], &length.to_le_bytes(), &bytes[HEAD..]].concat();
        let own = u32::try_from(length(&bytes)).unwrap();
        assert!(super::text(&of(own)).is_ok());
        for other in [0, own - 1, own + 1, u32::MAX] {
            assert_eq!(super::text(&of(other)), Err("its payload cannot be unpacked"), "{other}");
            assert!(length(&of(other)) <= MOST * bytes.len());
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let latin = stored("caf\u{e9} ".repeat(1000));
        assert_eq!(latin[0], MARK);
        let block = lz4_flex::block::compress(&[0xff_u8; 3000]);
        for bytes in [vec![0xff], [&[MARK, 0xb8, 0x0b, 0, 0][..], &block].concat()] {
            assert_eq!(super::text(&bytes), Err("its payload is not text"));
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(part in "\\PC{0,40}", times in 0_usize..400, end in "\\PC{0,40}") {
            let text = part.repeat(times) + &end;
            let bytes = stored(text.clone());
            prop_assert_eq!(length(&bytes), text.len());
            prop_assert_eq!(super::text(&bytes).unwrap(), text);
        }

        #[test]
        fn bytes_of_somebody_else_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), flip in 0_usize..5000, with in any::<u8>()) {
            let marked = [&[MARK][..], &bytes].concat();
            let mut own = stored(alike(200));
            let at = flip % own.len();
            own[at] ^= with;
            for bytes in [bytes, marked, own] {
                let _ = (super::text(&bytes), length(&bytes));
            }
        }
    }
}
