//! LZ4 blocks, as fat binaries are compressed.

/// The unpacked bytes; `None` if the block is damaged or makes more than `limit`.
pub fn unpack(mut block: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let (token, rest) = block.split_first()?;
        block = rest;
        let literals = length(usize::from(token >> 4), &mut block)?;
        out.extend_from_slice(block.get(..literals)?);
        block = &block[literals..];
        if block.is_empty() {
            return (out.len() <= limit).then_some(out);
        }
        let distance = usize::from(u16::from_le_bytes([*block.first()?, *block.get(1)?]));
        block = &block[2..];
        let count = length(usize::from(token & 15), &mut block)?.checked_add(4)?;
        let start = out.len().checked_sub(distance)?;
        if distance == 0 || out.len() + count > limit {
            return None;
        }
        // Byte by byte: a match may reach into what it itself makes.
        for at in start..start + count {
            out.push(out[at]);
        }
    }
}

/// A length of 15 goes on in the following bytes, up to one that is not 255.
fn length(nibble: usize, block: &mut &[u8]) -> Option<usize> {
    let mut total = nibble;
    if nibble < 15 {
        return Some(total);
    }
    loop {
        let (byte, rest) = block.split_first()?;
        *block = rest;
        total = total.checked_add(usize::from(*byte))?;
        if *byte < 255 {
            return Some(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn blocks_are_unpacked() {
        assert_eq!(unpack(b"\x30abc", 3).unwrap(), b"abc");
        // Three literals, then ten bytes from three back.
        assert_eq!(unpack(b"\x36abc\x03\x00\x10z", 14).unwrap(), b"abcabcabcabcaz");
        // Seventeen literals: 15 + 2.
        assert_eq!(unpack(b"\xf0\x020123456789abcdefg", 17).unwrap(), b"0123456789abcdefg");
    }

    #[test]
    fn damage_is_noticed() {
        for block in
            [&b""[..], b"\x30ab", b"\x16a\x02\x00\x10z", b"\x16a\x00\x00\x10z", b"\xf0\xff"]
        {
            assert_eq!(unpack(block, 1000), None, "{block:?}");
        }
        assert_eq!(unpack(b"\x1fa\x01\x00\xff\xff\xff\x00\x10z", 100), None);
    }
}
