//! Costs of the log's arithmetic. `cargo bench -p caiso-ledger`; one thread where it says so.

use std::collections::BTreeSet;

use caiso_ledger::{
    Checkpoint, Frontier, Hash, Signer, hash_leaf, hash_node, prove_inclusion, replay,
    verify_inclusion,
};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

const LEAVES: usize = 100_000;

fn main() {
    divan::main();
}

/// Entries of the size that records have.
fn entries() -> Vec<Vec<u8>> {
    (0..LEAVES).map(|i| format!("{i:0>512}").into_bytes()).collect()
}

/// Leaf hashes, tiles and the final root, on one thread.
#[divan::bench]
fn verify_leaves_one_thread(bencher: Bencher) {
    let entries = entries();
    let sizes = BTreeSet::from([LEAVES as u64]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread pool");
    bencher.counter(ItemsCount::new(LEAVES)).bench_local(|| {
        pool.install(|| replay(&mut Frontier::default(), black_box(&entries), &sizes))
    });
}

/// The same with a root at every size, as when each record has its own checkpoint.
#[divan::bench]
fn verify_leaves_every_root_one_thread(bencher: Bencher) {
    let entries = entries();
    let sizes: BTreeSet<u64> = (1..=LEAVES as u64).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread pool");
    bencher.counter(ItemsCount::new(LEAVES)).bench_local(|| {
        pool.install(|| replay(&mut Frontier::default(), black_box(&entries), &sizes))
    });
}

/// Appending to the tree, leaf hash included.
#[divan::bench]
fn append(bencher: Bencher) {
    let entries = entries();
    bencher.counter(ItemsCount::new(LEAVES)).bench_local(|| {
        let (mut frontier, mut tiles) = (Frontier::default(), Vec::new());
        for entry in &entries {
            frontier.push(hash_leaf(entry), &mut tiles);
        }
        frontier.root()
    });
}

#[divan::bench]
fn verify_one_inclusion(bencher: Bencher) {
    let entries = &entries()[..1 << 16];
    let levels = levels(entries);
    let node = |height: u32, index: u64| {
        Ok::<_, std::convert::Infallible>(levels[height as usize][index as usize])
    };
    let proof = prove_inclusion(4711, 1 << 16, node).unwrap_or_default();
    let (leaf, root) = (levels[0][4711], levels[16][0]);
    assert!(verify_inclusion(&leaf, 4711, 1 << 16, &proof, &root).is_ok());
    bencher.bench(|| verify_inclusion(&leaf, 4711, 1 << 16, black_box(&proof), &root).is_ok());
}

#[divan::bench]
fn sign_note(bencher: Bencher) {
    let signer = Signer::from_seed("bench", &[7; 32]).expect("a key");
    let checkpoint = Checkpoint { origin: "bench".into(), size: 9, root: [1; 32] };
    bencher.bench(|| black_box(&checkpoint).sign(&signer).is_ok());
}

/// Every perfect subtree of a tree whose size is a power of two, by height.
fn levels(entries: &[Vec<u8>]) -> Vec<Vec<Hash>> {
    let mut levels = vec![entries.iter().map(|entry| hash_leaf(entry)).collect::<Vec<_>>()];
    while levels[levels.len() - 1].len() > 1 {
        let below = &levels[levels.len() - 1];
        levels.push(below.as_chunks::<2>().0.iter().map(|[l, r]| hash_node(l, r)).collect());
    }
    levels
}
