//! Field tables and properties as bytes: what the codec can't hold, or would put in order.

/// A long string as a table's value.
pub fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    sized(b'S', text.as_ref())
}

/// An array as a table's value.
pub fn array(values: &[Vec<u8>]) -> Vec<u8> {
    sized(b'A', &values.concat())
}

/// A table as another's value.
pub fn table(entries: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    sized(b'F', &self::entries(entries))
}

/// A value whose type has a length.
pub fn sized(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &(content.len() as u32).to_be_bytes(), content].concat()
}

/// A value of fixed length.
pub fn fixed<const N: usize>(kind: u8, value: [u8; N]) -> Vec<u8> {
    [&[kind][..], &value].concat()
}

/// The entries of a table, without its length.
pub fn entries(entries: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    entries.iter().flat_map(|(name, value)| [&[name.len() as u8], *name, value].concat()).collect()
}

/// Properties with these headers and nothing else.
pub fn headers(headers: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    properties(0x2000, &sized(0, &entries(headers))[1..])
}

/// Properties with these flags and these bytes for the fields.
pub fn properties(flags: u16, fields: &[u8]) -> Vec<u8> {
    [&flags.to_be_bytes()[..], fields].concat()
}

/// Properties with one short string, which is the one that the flag stands for.
pub fn short_property(flag: u16, text: impl AsRef<[u8]>) -> Vec<u8> {
    properties(flag, &short(text))
}

/// A short string.
pub fn short(text: impl AsRef<[u8]>) -> Vec<u8> {
    [&[text.as_ref().len() as u8], text.as_ref()].concat()
}

/// A method frame with these fields.
pub fn method(channel: u16, class: u16, method: u16, fields: &[u8]) -> Vec<u8> {
    frame(1, channel, &[&class.to_be_bytes()[..], &method.to_be_bytes(), fields].concat())
}

/// A frame with this payload.
pub fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend(payload);
    bytes.push(0xce);
    bytes
}
