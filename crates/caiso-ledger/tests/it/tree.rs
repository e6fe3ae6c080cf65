use std::collections::BTreeSet;

use caiso_ledger::{
    CompactRange, Frontier, Hash, decode_hashes, empty_root, encode_hashes, hash_leaf,
    node_from_tile, prove_consistency, prove_inclusion, replay, verify_consistency,
    verify_inclusion,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use crate::common::Levels;

/// Leaves and roots of the test tree of the Certificate Transparency project (RFC 6962).
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn test_tree() -> (Vec<Vec<u8>>, Levels) {
    let entries: Vec<_> = LEAVES.iter().map(|leaf| hex::decode(leaf).unwrap()).collect();
    let levels = Levels::new(entries.iter().map(|entry| hash_leaf(entry)).collect());
    (entries, levels)
}

fn hexes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

#[test]
fn agrees_with_the_rfc_6962_test_tree() {
    let (entries, levels) = test_tree();
    assert_eq!(
        hex::encode(empty_root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let mut range = CompactRange::default();
    for (entry, root) in entries.iter().zip(ROOTS) {
        range.push(hash_leaf(entry), |_, _, _| {});
        assert_eq!(hex::encode(range.root()), root);
    }
    assert_eq!(
        hexes(&prove_inclusion(0, 8, |h, i| levels.node(h, i)).unwrap()),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    assert_eq!(
        hexes(&prove_consistency(6, 8, |h, i| levels.node(h, i)).unwrap()),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

/// Everything about the pair of sizes, both ways between the two implementations.
fn compare(old: u64, new: u64, indices: &[u64], levels: &Levels, trees: &[(u64, Oracle)]) {
    let oracle = |size| &trees.iter().find(|(s, _)| *s == size).unwrap().1;
    let (old_root, new_root) = (oracle(old).root(), oracle(new).root());
    let (old_hash, new_hash): (Hash, Hash) =
        ((*old_root.as_bytes()).into(), (*new_root.as_bytes()).into());

    let proof = prove_consistency(old, new, |h, i| levels.node(h, i)).unwrap();
    let theirs = oracle(new).prove_consistency((new - old) as usize);
    assert_eq!(proof.concat(), theirs.as_bytes(), "consistency {old} {new}");
    verify_consistency(old, &old_hash, new, &new_hash, &proof).unwrap();
    if old != new {
        assert!(verify_consistency(old, &new_hash, new, &old_hash, &proof).is_err());
        assert!(verify_consistency(old, &old_hash, new, &[0; 32], &proof).is_err());
        for cut in 0..proof.len() {
            assert!(verify_consistency(old, &old_hash, new, &new_hash, &proof[..cut]).is_err());
        }
        let long = [proof.as_slice(), &[[0; 32]]].concat();
        assert!(verify_consistency(old, &old_hash, new, &new_hash, &long).is_err());
    }
    for &index in indices.iter().filter(|index| **index < new) {
        let proof = prove_inclusion(index, new, |h, i| levels.node(h, i)).unwrap();
        let theirs = oracle(new).prove_inclusion(index as usize);
        assert_eq!(proof.concat(), theirs.as_bytes(), "inclusion {index} {new}");
        let leaf = levels.node(0, index).unwrap();
        verify_inclusion(&leaf, index, new, &proof, &new_hash).unwrap();
        let other = if index > 0 { index - 1 } else { index + 1 };
        assert!(verify_inclusion(&leaf, other, new, &proof, &new_hash).is_err());
        assert!(verify_inclusion(&[0; 32], index, new, &proof, &new_hash).is_err());
        if !proof.is_empty() {
            assert!(verify_inclusion(&leaf, index, new, &proof[1..], &new_hash).is_err());
        }
        let long = [proof.as_slice(), &[[0; 32]]].concat();
        assert!(verify_inclusion(&leaf, index, new, &long, &new_hash).is_err());
    }
}

type Oracle = MemoryBackedTree<Sha256, Vec<u8>>;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn oracle(size: u64) -> Oracle {
    let mut tree = Oracle::new();
    (0..size).for_each(|index| tree.push(entry(index)));
    tree
}

#[test]
fn agrees_with_ct_merkle_for_every_pair_of_sizes_up_to_300() {
    let levels = Levels::new((0..300).map(|i| hash_leaf(&entry(i))).collect());
    let trees: Vec<_> = (1..=300).map(|size| (size, oracle(size))).collect();
    for new in 1..=300 {
        for old in 1..=new {
            // Every index of every size once, namely when `old` is the index plus one.
            compare(old, new, &[old - 1], &levels, &trees);
        }
    }
}

#[test]
fn agrees_with_ct_merkle_around_65536() {
    let sizes = [65_535, 65_536, 65_537];
    let levels = Levels::new((0..65_537).map(|i| hash_leaf(&entry(i))).collect());
    let mut trees: Vec<_> = sizes.iter().map(|size| (*size, oracle(*size))).collect();
    trees.extend([1, 2, 255, 256, 257, 32_768, 65_000].map(|size| (size, oracle(size))));
    for new in sizes {
        for old in trees.iter().map(|(size, _)| *size).filter(|old| *old <= new) {
            compare(old, new, &[0, 1, 255, 256, 32_767, 65_535, 65_536], &levels, &trees);
        }
    }
}

#[test]
fn refuses_impossible_proofs() {
    let root = empty_root();
    assert!(verify_consistency(0, &root, 0, &root, &[]).is_ok());
    assert!(verify_consistency(0, &root, 5, &[1; 32], &[]).is_ok());
    assert!(verify_consistency(0, &[1; 32], 5, &[1; 32], &[]).is_err());
    assert!(verify_consistency(5, &root, 4, &root, &[]).is_err());
    assert!(verify_consistency(5, &root, 5, &root, &[root]).is_err());
    assert!(verify_consistency(3, &root, u64::MAX, &root, &[]).is_err());
    assert!(verify_inclusion(&root, 0, 0, &[], &root).is_err());
    assert!(verify_inclusion(&root, u64::MAX, u64::MAX, &[root; 64], &root).is_err());
    assert!(verify_inclusion(&root, u64::MAX - 1, u64::MAX, &[root; 64], &root).is_err());
    assert!(prove_inclusion(9, 9, |_, _| Ok::<_, ()>(root)).unwrap().is_empty());
}

#[test]
fn nodes_come_out_of_tiles() {
    let size = 66_000_u64;
    let levels = Levels::new((0..size).map(|i| hash_leaf(&entry(i))).collect());
    let tile = |level: u32, index: u64| {
        let hashes = size >> (8 * level);
        let tile = (index * 256..((index + 1) * 256).min(hashes))
            .map(|i| levels.node(8 * level, i).unwrap())
            .collect::<Vec<_>>();
        decode_hashes(&encode_hashes(&tile))
    };
    for height in 0..=16 {
        for index in [0, 1, 2, (size >> height) / 2, (size >> height) - 1] {
            if index < size >> height {
                let node = node_from_tile(height, index, tile).unwrap();
                assert_eq!(node, Some(levels.node(height, index).unwrap()), "{height} {index}");
            }
        }
        assert_eq!(node_from_tile(height, size >> height, tile).unwrap(), None, "{height}");
    }
}

#[test]
fn replay_gives_the_same_on_any_number_of_threads() {
    let entries: Vec<_> = (0..70_000).map(entry).collect();
    let sizes: BTreeSet<u64> = [1, 300, 65_536, 65_537, 69_999, 70_000, 70_001].into();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut frontier = Frontier::default();
            let mut first = replay(&mut frontier, &entries[..300], &sizes);
            let rest = replay(&mut frontier, &entries[300..], &sizes);
            first.leaf_hashes.extend(rest.leaf_hashes);
            first.tiles.extend(rest.tiles);
            first.roots.extend(rest.roots);
            assert_eq!(frontier.size(), 70_000);
            (first.leaf_hashes, first.tiles, first.roots)
        })
    };
    let result = run(1);
    assert_eq!(result, run(3));
    let roots: Vec<_> = result.2.keys().copied().collect();
    assert_eq!(roots, [1, 300, 65_536, 65_537, 69_999, 70_000]);
    for (size, root) in &result.2 {
        assert_eq!(root.as_slice(), oracle(*size).root().as_bytes().as_slice(), "{size}");
    }
}

proptest! {
    #[test]
    fn proofs_hold_for_any_sizes(new in 1_u64..5000, a in any::<u64>(), b in any::<u64>(), flip in 0_usize..256) {
        let (old, index) = (a % new + 1, b % new);
        let levels = Levels::new((0..new).map(|i| hash_leaf(&entry(i))).collect());
        let root = |size| {
            let mut range = CompactRange::default();
            (0..size).for_each(|i| range.push(levels.node(0, i).unwrap(), |_, _, _| {}));
            range.root()
        };
        let (old_root, new_root) = (root(old), root(new));
        let mut proof = prove_consistency(old, new, |h, i| levels.node(h, i)).unwrap();
        prop_assert!(verify_consistency(old, &old_root, new, &new_root, &proof).is_ok());
        if let Some(hash) = proof.last_mut() {
            hash[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &proof).is_err());
        }
        let mut proof = prove_inclusion(index, new, |h, i| levels.node(h, i)).unwrap();
        let leaf = levels.node(0, index).unwrap();
        prop_assert!(verify_inclusion(&leaf, index, new, &proof, &new_root).is_ok());
        if let Some(hash) = proof.first_mut() {
            hash[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(verify_inclusion(&leaf, index, new, &proof, &new_root).is_err());
        }
    }
}
