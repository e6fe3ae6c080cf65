//! Archives: names that leave the folder, contents that differ from what is said.

use caiso_core::Severity;

use crate::fixtures::zip;
use crate::run::{survives, worst};

#[test]
fn names_that_leave_the_folder_are_found() {
    for name in ["../evil.py", "/etc/passwd", "a/../../b"] {
        let severity = worst("MF-ARC-002", "m.zip", &zip(&["readme.txt", name]));
        assert!(severity >= Some(Severity::High), "{name}");
    }
    assert_eq!(worst("MF-ARC-002", "m.zip", &zip(&["readme.txt", "data/a"])), None);
}

#[test]
fn two_entries_of_one_name_are_found() {
    assert!(worst("MF-ARC-001", "m.zip", &zip(&["a", "a"])) >= Some(Severity::Medium));
    assert_eq!(worst("MF-ARC-001", "m.zip", &zip(&["a", "b"])), None);
}

#[test]
fn what_lies_before_an_archive_is_found() {
    let hidden = [&[7; 100][..], &zip(&["a"])].concat();
    let found = crate::run::findings("m.zip", &hidden);
    assert!(found.iter().any(|finding| finding.code.starts_with("MF-")), "{found:?}");
}

proptest::proptest! {
    #[test]
    fn a_damaged_archive_never_panics(at in 0_usize..100, byte: u8, cut in 0_usize..100) {
        let whole = zip(&["archive/data.pkl", "archive/data/0"]);
        let mut damaged = whole.clone();
        damaged[at] = byte;
        survives("m.pt", &damaged);
        survives("m.pt", &whole[..cut]);
    }
}
