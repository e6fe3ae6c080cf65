//! The official file is taken for its text, and bad files are refused with their place.

use caiso_threat::Atlas;

const SMALL: &str = "---\n\
id: ATLAS\n\
name: test\n\
version: 5.6.0\n\
matrices:\n\
- id: ATLAS\n\
\x20 name: Matrix\n\
\x20 tactics:\n\
\x20 - id: AML.TA0002\n\
\x20   object-type: tactic\n\
\x20   description: A goal.\n\
\x20   created_date: 2022-01-24\n\
\x20 techniques:\n\
\x20 - id: AML.T0043\n\
\x20   description: |\n\
\x20     See [the next](/techniques/AML.T0042).\n\
\x20   tactics: [AML.TA0001]\n\
\x20 - id: AML.T7777\n\
\x20   description: New.\n\
\x20 mitigations: []\n\
case-studies: []\n";

#[test]
fn text_is_taken_up_and_differences_are_told() {
    let (atlas, notes) =
        Atlas::embedded().with_official_text("ATLAS.yaml", SMALL.as_bytes()).unwrap();
    assert_eq!(
        atlas.technique("AML.T0043").unwrap().description.as_deref(),
        Some("See [the next](https://atlas.mitre.org/techniques/AML.T0042).")
    );
    assert_eq!(atlas.tactic("AML.TA0002").unwrap().description.as_deref(), Some("A goal."));
    assert!(atlas.technique("AML.T7777").is_none());
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 15 + 169 + 35 + 1);
    assert!(notes.contains(&"ATLAS.yaml: has no text for AML.T0042".to_owned()));
    assert_eq!(
        notes.last().unwrap(),
        "ATLAS.yaml: has AML.T7777, which version 5.6.0 does not have"
    );
    let newer = SMALL.replace("5.6.0", "6.0.0");
    let (_, notes) = Atlas::embedded().with_official_text("A.yaml", newer.as_bytes()).unwrap();
    assert_eq!(
        notes[0].to_string(),
        "A.yaml: is version 6.0.0, names and relations stay those of version 5.6.0"
    );
}

fn refusal(bytes: &[u8]) -> String {
    Atlas::embedded().with_official_text("ATLAS.yaml", bytes).unwrap_err().to_string()
}

#[test]
fn bad_files_are_refused() {
    let cases = [
        SMALL.replace("  - id: AML.T7777", "  - name: AML.T7777"),
        SMALL.replace("matrices:", "matrix:"),
        SMALL.replace("    description: New.", "    description: [New"),
        "version: 5.6.0\nmatrices: []\n".to_owned(),
        String::new(),
    ];
    let messages: Vec<String> = cases.iter().map(|text| refusal(text.as_bytes())).collect();
    insta::assert_snapshot!(messages.join("\n\n"));
    assert!(refusal(b"version: \xff").starts_with("ATLAS.yaml: is not UTF-8 text (byte 9)"));
    assert!(refusal(&vec![b' '; (8 << 20) + 1]).contains("expected at most 8388608"));
}

#[test]
fn hostile_files_stop_at_a_budget() {
    let deep = format!("version: x\nmatrices: {}", "[".repeat(100_000));
    assert!(!refusal(deep.as_bytes()).is_empty());
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, last) in ('b'..='i').zip('a'..) {
        let list = vec![format!("*{last}"); 9].join(", ");
        bomb.push_str(&format!("{name}: &{name} [{list}]\n"));
    }
    bomb.push_str("version: x\nmatrices: *i\n");
    assert!(!refusal(bomb.as_bytes()).is_empty());
}
