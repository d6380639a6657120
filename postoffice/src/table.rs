//! Looks over a field table's bytes before the codec parses them (AMQP 0-9-1, section 4.2.5.5).
//!
//! The codec calls itself for a table within a table, so a peer that nests a few thousand of them could overflow the
//! stack. This walk doesn't call itself; what it lets through is well-formed and shallow.

/// How deep tables and arrays may nest. RabbitMQ sets no limit; nothing sensible comes near this one.
pub(crate) const MAX_DEPTH: usize = 64;

/// Why a table is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadTable {
    /// A length points past the end, a type is unknown, or a float is no number: Erlang has neither NaN nor infinities.
    Malformed,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
}

/// Checks the entries of a table, without the four bytes of its length.
pub(crate) fn check(table: &[u8]) -> Result<(), BadTable> {
    // The open containers, innermost last: where each ends, and whether its values have names.
    let mut open = vec![(table.len(), true)];
    let mut at = 0;
    while let Some(&(end, named)) = open.last() {
        if at == end {
            open.pop();
            continue;
        }
        if named {
            let length = usize::from(*table.get(at).ok_or(BadTable::Malformed)?);
            at += 1 + length;
        }
        let (kind, start, value_end) = value_at(table, at).ok_or(BadTable::Malformed)?;
        at = start;
        if value_end > end {
            return Err(BadTable::Malformed);
        }
        if matches!(kind, b'A' | b'F') {
            if open.len() > MAX_DEPTH {
                return Err(BadTable::TooDeep);
            }
            open.push((value_end, kind == b'F'));
        } else {
            let value = table.get(at..value_end).unwrap_or_default();
            if !is_a_number(kind, value) {
                return Err(BadTable::Malformed);
            }
            at = value_end;
        }
    }
    Ok(())
}

/// Whether a float is one; other values are as they are.
fn is_a_number(kind: u8, value: &[u8]) -> bool {
    match kind {
        b'f' => value.try_into().is_ok_and(|bytes| f32::from_be_bytes(bytes).is_finite()),
        b'd' => value.try_into().is_ok_and(|bytes| f64::from_be_bytes(bytes).is_finite()),
        _ => true,
    }
}

/// The type of the value at a place in a table, and where what follows the type and a length begins and ends.
fn value_at(table: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let kind = *table.get(at)?;
    let at = at + 1;
    let (start, size) = match kind {
        b'V' => (at, 0),
        b't' | b'b' | b'B' => (at, 1),
        b's' | b'u' | b'U' => (at, 2),
        b'I' | b'i' | b'f' => (at, 4),
        b'D' => (at, 5),
        b'l' | b'L' | b'd' | b'T' => (at, 8),
        b'S' | b'x' | b'A' | b'F' => {
            let length = table.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)?;
            (at + 4, length as usize)
        }
        _ => return None,
    };
    Some((kind, start, start.checked_add(size)?))
}

/// The entries of two tables as one table, sorted by name; of those with the same name the first.
pub(crate) fn merged(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut entries: Vec<_> = entries(first).chain(entries(second)).collect();
    entries.sort_by_key(|(name, _)| *name);
    entries.dedup_by_key(|(name, _)| *name);
    entries.into_iter().flat_map(|(_, entry)| entry).copied().collect()
}

/// The entries of a table that was checked: their names, and all their bytes.
fn entries(table: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = table;
    std::iter::from_fn(move || {
        let name_end = 1 + usize::from(*rest.first()?);
        let (_, _, end) = value_at(rest, name_end)?;
        let (entry, after) = rest.split_at_checked(end)?;
        rest = after;
        Some((entry.get(1..name_end)?, entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::{
        frame::WriteContext,
        types::{AMQPValue, FieldTable, generation::gen_field_table, parsing::parse_field_table},
    };
    use proptest::prelude::*;

    fn bytes_of(table: &FieldTable) -> Vec<u8> {
        gen_field_table(table)(WriteContext::from(Vec::new())).unwrap().into_inner().0
    }

    fn nested(depth: usize) -> FieldTable {
        (0..depth).fold(FieldTable::default(), |inner, _| {
            let mut outer = FieldTable::default();
            outer.insert("t".into(), AMQPValue::FieldTable(inner));
            outer
        })
    }

    #[test]
    fn a_table_nested_to_the_limit_passes_and_the_codec_can_parse_it() {
        let bytes = bytes_of(&nested(MAX_DEPTH));
        assert_eq!(check(&bytes[4..]), Ok(()));
        assert!(parse_field_table(&bytes[..]).is_ok());
    }

    #[test]
    fn a_table_nested_deeper_is_refused() {
        assert_eq!(check(&bytes_of(&nested(MAX_DEPTH + 1))[4..]), Err(BadTable::TooDeep));
    }

    #[test]
    fn an_entry_longer_than_its_table_is_malformed() {
        assert_eq!(check(&[1, b'a', b'S', 0xff, 0xff, 0xff, 0xff]), Err(BadTable::Malformed));
    }

    #[test]
    fn of_two_entries_with_the_same_name_the_first_is_kept() {
        assert_eq!(merged(b"\x01bt\x01\x01at\x01", b"\x01cV\x01bt\x00\x02AAV"), b"\x02AAV\x01at\x01\x01bt\x01\x01cV");
        assert_eq!(merged(b"", b""), b"");
    }

    proptest! {
        #[test]
        fn whatever_passes_the_codec_parses_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if check(&bytes).is_ok() {
                let mut framed = (bytes.len() as u32).to_be_bytes().to_vec();
                framed.extend(&bytes);
                let _ = parse_field_table(&framed[..]); // names that aren't UTF-8 may still be refused
            }
        }
    }
}
