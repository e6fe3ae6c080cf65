//! What analysing a pickle costs, by what it is made of. `cargo bench -p caiso-pickle`.

use caiso_pickle::{Limits, analyse};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

const BYTES: usize = 16 << 20;
/// Items that CPython's pickler adds at once.
const BATCH: usize = 1000;

fn main() {
    divan::main();
}

/// A list of `BYTES` bytes, in batches, of what `item` writes.
fn list(item: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"\x80\x04]\x94".to_vec();
    while out.len() < BYTES {
        out.push(b'(');
        for _ in 0..BATCH {
            item(&mut out);
        }
        out.push(b'e');
    }
    out.push(b'.');
    out
}

fn bench(bencher: Bencher, pickle: &[u8]) {
    bencher
        .counter(BytesCount::new(pickle.len()))
        .bench_local(|| analyse(black_box(pickle), &Limits::default()));
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(0x8c);
    out.push(u8::try_from(text.len()).expect("a short text"));
    out.extend(text.as_bytes());
    out.push(0x94);
}

fn float(out: &mut Vec<u8>) {
    out.push(b'G');
    out.extend(1.5_f64.to_be_bytes());
}

/// `{'a': 1.5, 'b': [1, 2, 3], 'c': 'text value', 'd': None}`, each with texts of its own.
#[divan::bench]
fn rows(bencher: Bencher) {
    let pickle = list(|out| {
        out.extend(b"}\x94(");
        text(out, "a");
        float(out);
        text(out, "b");
        out.extend(b"]\x94(K\x01K\x02K\x03e");
        text(out, "c");
        text(out, "text value");
        text(out, "d");
        out.extend(b"Nu");
    });
    bench(bencher, &pickle);
}

/// The same with keys from the memo, as when one program made all rows.
#[divan::bench]
fn rows_of_shared_keys(bencher: Bencher) {
    let mut pickle = b"\x80\x04]\x94(".to_vec();
    for key in ["a", "b", "c", "d"] {
        text(&mut pickle, key);
    }
    pickle.push(b'e');
    let rows = list(|out| {
        out.extend(b"}\x94(h\x01");
        float(out);
        out.extend(b"h\x02]\x94(K\x01K\x02K\x03eh\x03");
        text(out, "text value");
        out.extend(b"h\x04Nu");
    });
    // Past the header and the list that is open already.
    pickle.extend(rows.get(4..).unwrap_or_default());
    bench(bencher, &pickle);
}

#[divan::bench]
fn floats(bencher: Bencher) {
    bench(bencher, &list(float));
}

/// Bytes of 4 KiB each.
#[divan::bench]
fn bytes(bencher: Bencher) {
    let pickle = list(|out| {
        out.push(b'B');
        out.extend(4096_u32.to_le_bytes());
        out.resize(out.len() + 4096, 7);
        out.push(0x94);
    });
    bench(bencher, &pickle);
}

/// `datetime.datetime(bytes)`.
#[divan::bench]
fn calls(bencher: Bencher) {
    let mut pickle = b"\x80\x04]\x94(".to_vec();
    text(&mut pickle, "datetime");
    text(&mut pickle, "datetime");
    pickle.extend(b"\x93\x94e");
    let calls = list(|out| {
        out.extend(b"h\x03C\x0a\x07\xd0\x01\x01\0\0\0\0\0\0\x94\x85\x94R\x94");
    });
    pickle.extend(calls.get(4..).unwrap_or_default());
    bench(bencher, &pickle);
}
