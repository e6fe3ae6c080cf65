//! Pickles put together by hand.

/// `GLOBAL`.
pub(crate) fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// A short string.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut out = vec![0x8c, u8::try_from(text.len()).unwrap()];
    out.extend_from_slice(text.as_bytes());
    out
}

/// Bytes.
pub(crate) fn bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![b'B'];
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
    out.extend_from_slice(bytes);
    out
}

/// A tuple of parts.
pub(crate) fn tuple(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![b'('];
    out.extend(parts.iter().flatten());
    out.push(b't');
    out
}

/// A list of parts.
pub(crate) fn list(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![b'('];
    out.extend(parts.iter().flatten());
    out.push(b'l');
    out
}

/// `callee(*arguments)` by `REDUCE`.
pub(crate) fn reduce(callee: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
    let mut out = callee.to_vec();
    out.extend(tuple(arguments));
    out.push(b'R');
    out
}

/// A whole stream: `PROTO 4`, the body, `STOP`.
pub(crate) fn stream(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, 4];
    out.extend_from_slice(body);
    out.push(b'.');
    out
}

/// Everything one after the other.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}
