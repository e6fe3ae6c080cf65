use caiso_ledger::{Hash, Signer, hash_leaf, hash_node};

pub(crate) fn signer(name: &str) -> Signer {
    Signer::from_seed(name, &hash_leaf(name.as_bytes())).unwrap()
}

/// A tree held whole: the hash of every perfect subtree, by height.
pub(crate) struct Levels(Vec<Vec<Hash>>);

impl Levels {
    pub(crate) fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while levels.last().unwrap().len() > 1 {
            let below = levels.last().unwrap();
            levels.push(below.as_chunks::<2>().0.iter().map(|[l, r]| hash_node(l, r)).collect());
        }
        Self(levels)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the form that provers take")]
    pub(crate) fn node(&self, height: u32, index: u64) -> Result<Hash, std::convert::Infallible> {
        Ok(self.0[height as usize][index as usize])
    }
}
