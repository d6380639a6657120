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
        let kind = *table.get(at).ok_or(BadTable::Malformed)?;
        at += 1;
        let size = match kind {
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'u' | b'U' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'l' | b'L' | b'd' | b'T' => 8,
            b'S' | b'x' | b'A' | b'F' => {
                let length = table.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
                at += 4;
                length.ok_or(BadTable::Malformed)? as usize
            }
            _ => return Err(BadTable::Malformed),
        };
        let value_end = at.checked_add(size).filter(|&value_end| value_end <= end).ok_or(BadTable::Malformed)?;
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
