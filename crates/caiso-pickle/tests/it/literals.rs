//! Containers of constants, which are read in place: whatever is done to them afterwards, they are what the
//! same containers are that an instruction without effect keeps from being read so.

use caiso_pickle::{End, EventKind, Limits, ResultKind, analyse};
use proptest::prelude::*;

use crate::assemble::stream;

#[derive(Clone, Debug)]
enum Tree {
    Int(u8),
    Text(String),
    List(Vec<Tree>),
    Dict(Vec<Tree>),
    Tuple(Vec<Tree>),
    /// An entry of the memo.
    Again(usize),
}

/// What is done after the containers were made.
#[derive(Clone, Debug)]
enum Change {
    /// One more item, or a key and a value, for an entry of the memo.
    Grow(usize),
    /// Two more at once.
    GrowMany(usize),
    /// Another value for an entry of the memo.
    Overwrite(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Dict,
    Other,
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(Tree::Int),
        "[a-z]{0,3}".prop_map(Tree::Text),
        (0..40_usize).prop_map(Tree::Again),
    ];
    leaf.prop_recursive(5, 60, 9, |inner| {
        let items = proptest::collection::vec(inner.clone(), 0..9);
        prop_oneof![
            3 => items.clone().prop_map(Tree::List),
            3 => items.clone().prop_map(Tree::Dict),
            1 => items.prop_map(Tree::Tuple),
            1 => (inner, 50..140_usize).prop_map(|(item, count)| Tree::List(vec![item; count.min(70)])),
        ]
    })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        (0..40_usize).prop_map(Change::Grow),
        (0..40_usize).prop_map(Change::GrowMany),
        (0..40_usize).prop_map(Change::Overwrite),
    ];
    proptest::collection::vec(change, 0..8)
}

struct Writer {
    out: Vec<u8>,
    memo: Vec<Kind>,
    /// Whether `NONE POP` keeps containers from being literals.
    apart: bool,
    protocol_two: bool,
}

impl Writer {
    fn memoize(&mut self, kind: Kind) {
        let index = self.memo.len();
        match u8::try_from(index) {
            Ok(index) if self.protocol_two => self.out.extend([b'q', index]),
            _ => self.out.push(0x94),
        }
        self.memo.push(kind);
    }

    fn get(&mut self, index: usize) {
        self.out.push(b'j');
        self.out.extend(u32::try_from(index).unwrap().to_le_bytes());
    }

    fn fill(&mut self, items: &[Tree], single: (usize, u8), many: u8) {
        // Long containers are filled in batches.
        if items.len() % 5 == 4 {
            let (first, second) = items.split_at(2);
            self.fill(first, (0, 0), many);
            self.fill(second, single, many);
            return;
        }
        if items.len() == single.0 && single.0 > 0 {
            for item in items {
                self.write(item);
            }
            self.out.push(single.1);
        } else if !items.is_empty() {
            self.out.push(b'(');
            for item in items {
                self.write(item);
            }
            self.out.push(many);
        }
    }

    fn open(&mut self, code: u8, kind: Kind) {
        self.out.push(code);
        self.memoize(kind);
        if self.apart {
            self.out.extend(b"N0");
        }
    }

    fn write(&mut self, tree: &Tree) {
        match tree {
            Tree::Int(int) => self.out.extend([b'K', *int]),
            Tree::Text(text) => {
                self.out.extend(crate::assemble::text(text));
                self.memoize(Kind::Other);
            }
            Tree::List(items) => {
                self.open(b']', Kind::List);
                self.fill(items, (1, b'a'), b'e');
            }
            Tree::Dict(items) => {
                self.open(b'}', Kind::Dict);
                let even = items.len() & !1;
                self.fill(&items[..even], (2, b's'), b'u');
            }
            Tree::Tuple(items) => {
                self.out.push(b'(');
                if self.apart {
                    self.out.extend(b"N0");
                }
                for item in items {
                    self.write(item);
                }
                self.out.push(b't');
                self.memoize(Kind::Other);
            }
            Tree::Again(index) => match self.memo.len() {
                0 => self.out.push(b'N'),
                length => self.get(index % length),
            },
        }
    }

    fn change(&mut self, change: &Change) {
        let (Change::Grow(index) | Change::GrowMany(index) | Change::Overwrite(index)) = change;
        let Some(index) = index.checked_rem(self.memo.len()) else { return };
        let kind = self.memo[index];
        match change {
            Change::Overwrite(_) => {
                self.memo[index] = Kind::Other;
                self.out.extend(b"K\x07r");
                self.out.extend(u32::try_from(index).unwrap().to_le_bytes());
            }
            _ if kind == Kind::Other => return,
            Change::Grow(_) => {
                self.get(index);
                self.out.extend(if kind == Kind::List { &b"K\x09a"[..] } else { b"K\x08K\x09s" });
            }
            Change::GrowMany(_) => {
                self.get(index);
                self.out.extend(b"(K\x05K\x06");
                self.out.push(if kind == Kind::List { b'e' } else { b'u' });
            }
        }
        self.out.push(b'0');
    }
}

/// What a call is given: every tree, and every entry of the memo.
fn arguments(trees: &[Tree], changes: &[Change], apart: bool, protocol_two: bool) -> Vec<String> {
    let mut texts = Vec::new();
    let mut shown = 0;
    loop {
        let mut writer = Writer { out: Vec::new(), memo: Vec::new(), apart, protocol_two };
        writer.out.extend(b"cmodule\nfunction\n(");
        for tree in trees {
            writer.write(tree);
        }
        for change in changes {
            writer.change(change);
        }
        let entries = writer.memo.len();
        // The call shows its first arguments: the trees, then a part of the memo.
        let rest = if shown == 0 { 0 } else { trees.len() };
        for _ in 0..rest {
            writer.out.push(b'0');
        }
        for index in (shown..entries).take(12) {
            writer.get(index);
        }
        writer.out.extend(b"tR");
        let analysis = analyse(&stream(&writer.out), &Limits::default());
        let call = analysis.streams[0].events.iter().find_map(|event| match &event.kind {
            EventKind::Call(call) => Some(call),
            _ => None,
        });
        let call = call.unwrap_or_else(|| panic!("no call: {:?}", analysis.streams));
        texts.extend(call.arguments.iter().map(|one| format!("{:?} {}", one.kind, one.text)));
        shown += 12;
        if shown >= entries {
            return texts;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn literals_are_what_their_containers_are(
        trees in proptest::collection::vec(trees(), 1..4),
        changes in changes(),
        protocol_two in any::<bool>(),
    ) {
        prop_assert_eq!(
            arguments(&trees, &changes, false, protocol_two),
            arguments(&trees, &changes, true, protocol_two)
        );
    }
}

#[test]
fn every_instruction_is_a_step() {
    let body = b"}\x94(\x8c\x01a\x94G\x3f\xf8\0\0\0\0\0\0\x8c\x01b\x94]\x94(K\x01M\x02\0eu";
    let analysis = analyse(&stream(body), &Limits::default());
    assert_eq!(analysis.steps, 17);
    let keys = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(analysis.streams[0].result, ResultKind::Dict(2, keys));
}

#[test]
fn what_python_refuses_is_no_literal() {
    for (body, reason) in [
        (&b"](}(K\x01ue"[..], "the number of keys and values is odd"),
        (b"](}(K\x01K\x02ee", "items are added to a value that takes none"),
        (b"](aK\x01e", "the stack is empty"),
        (b"]K\x01e", "there is no mark"),
    ] {
        let analysis = analyse(&stream(body), &Limits::default());
        assert_eq!(analysis.streams[0].end, End::Refused(reason.to_owned()), "{body:?}");
    }
}

#[test]
fn a_literal_ends_where_the_steps_do() {
    let body = b"](K\x01K\x02e](K\x01K\x02e";
    for steps in 1..12 {
        let limits = Limits { steps, ..Limits::default() };
        assert_eq!(analyse(&stream(body), &limits).steps, steps);
    }
}

/// More lists changed after they were made than are remembered.
#[test]
fn changed_literals_are_bounded() {
    let limits = Limits { values: 256, ..Limits::default() };
    let mut body = b"(".to_vec();
    for _ in 0..1000 {
        body.extend(b"]\x94(K\x01K\x02eK\x03a");
    }
    body.extend(b"tcmodule\nfunction\n]\x94(K\x01K\x02eK\x03a\x85R");
    let analysis = analyse(&stream(&body), &limits);
    let call = analysis.streams[0].events.iter().find_map(|event| match &event.kind {
        EventKind::Call(call) => Some(call.arguments[0].text.clone()),
        _ => None,
    });
    assert_eq!(call.as_deref(), Some("[1, 2, 3]"));
}
