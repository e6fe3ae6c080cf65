//! Seals a report in a small ledger.

use caiso_ledger::{
    Checkpoint, Disclosure, Envelope, Hash, Opening, Receipt, Record, Signer, commit_body,
    hash_leaf, hash_node, prove_inclusion,
};
use caiso_report::{LedgerHead, Report};

pub(crate) fn signer() -> Signer {
    Signer::from_seed("lender.example/caiso", &[7; 32]).unwrap()
}

/// A receipt for a statement as the last record of a ledger of 58.
pub(crate) fn receipt_of(statement: &[u8], signer: &Signer, show: bool) -> Receipt {
    let envelope = Envelope::sign(statement, signer).unwrap();
    let body = envelope.to_bytes().unwrap();
    let salt = [9; 32];
    let entry = Record {
        v: Record::VERSION,
        time: "2026-11-25T08:14:09.500Z".parse().unwrap(),
        actor: "user:ada".into(),
        action: "assessment".into(),
        object: "mortgage-decisions".into(),
        outcome: Some("fail".into()),
        commitment: commit_body(&salt, &body),
        body_size: body.len() as u64,
        state: None,
        links: vec![],
        tool: "caiso".into(),
        tool_version: "0.1.0".into(),
    };
    let mut leaves: Vec<Hash> = (0..57_u8).map(|i| hash_leaf(&[i])).collect();
    leaves.push(hash_leaf(&entry.to_entry().unwrap()));
    let size = leaves.len() as u64;
    let node = |height: u32, index: u64| -> Result<Hash, std::convert::Infallible> {
        let width = 1 << height;
        Ok(root(&leaves[(index * width) as usize..((index + 1) * width) as usize]))
    };
    let proof = prove_inclusion(size - 1, size, node).unwrap_or_default();
    let checkpoint =
        Checkpoint { origin: "lender.example/caiso".into(), size, root: root(&leaves) };
    let opening = show.then_some(Opening { salt, envelope });
    let disclosure = Disclosure { entry, opening };
    Receipt::new(&disclosure, size - 1, proof, checkpoint.sign(signer).unwrap()).unwrap()
}

fn root(leaves: &[Hash]) -> Hash {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    hash_node(&root(left), &root(right))
}

/// The report with the ledger's head, and its receipt.
pub(crate) fn seal(report: &Report) -> (Report, String) {
    let signer = signer();
    let statement = report.statement().unwrap().to_bytes().unwrap();
    let receipt = receipt_of(&statement, &signer, true);
    let head = LedgerHead::of_receipt(&receipt, signer.verifier()).unwrap();
    (Report { ledger: Some(head), ..report.clone() }, receipt.to_string())
}
