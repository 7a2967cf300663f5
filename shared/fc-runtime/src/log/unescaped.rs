//! Which characters a string in JSON holds as they are.

/// Returns how many of the first bytes a string in JSON may hold as they are: up to the first quotation mark, backslash
/// or control character. Looks at eight at a time.
pub(super) fn unescaped(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    let found = words.iter().enumerate().find_map(|(nth, word)| Some(nth * 8 + first_escaped(*word)?));
    found.unwrap_or_else(|| {
        // Spaces need no escape.
        let mut last = [b' '; 8];
        last[..rest.len()].copy_from_slice(rest);
        bytes.len() - rest.len() + first_escaped(last).unwrap_or(rest.len())
    })
}

fn first_escaped(word: [u8; 8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST_BITS: u64 = ONES << 7;
    let word = u64::from_le_bytes(word);
    // The highest bit of a byte that is less than `than`. A byte above it may have that bit by mistake, but never one
    // below, and only the lowest counts.
    let is_less = |eight: u64, than: u8| eight.wrapping_sub(ONES * u64::from(than)) & !eight;
    let is = |byte: u8| is_less(word ^ (ONES * u64::from(byte)), 1);
    let found = (is_less(word, 0x20) | is(b'"') | is(b'\\')) & HIGHEST_BITS;
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_the_first_byte_that_is_escaped(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                prop::collection::vec(prop_oneof![9 => Just(b'a'), 1 => Just(0x1f), 1 => Just(0x20), 1 => Just(b'"'), 1 => Just(0xa2)], 0..40),
            ],
        ) {
            let first = bytes.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\');
            prop_assert_eq!(unescaped(&bytes), first.unwrap_or(bytes.len()));
        }
    }
}
