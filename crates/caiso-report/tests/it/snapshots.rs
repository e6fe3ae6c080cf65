use caiso_report::terminal::Terminal;
use caiso_report::{RENDERERS, markdown, renderer, sarif, terminal};
use serde_json::Value;

use crate::{fixture, ledger};

#[test]
fn markdown_of_the_example() {
    let (sealed, _) = ledger::seal(&fixture::mortgage());
    insta::assert_snapshot!(markdown::render(&sealed));
}

#[test]
fn terminal_of_the_example() {
    let (sealed, _) = ledger::seal(&fixture::mortgage());
    let terminal = Terminal { report: Some("mortgage.html"), ..Terminal::default() };
    insta::assert_snapshot!("terminal_100", terminal::render(&sealed, &terminal));
    let terminal = Terminal { width: 72, ascii: true, ..terminal };
    insta::assert_snapshot!("terminal_72_ascii", terminal::render(&sealed, &terminal));
}

#[test]
fn sarif_of_the_example() {
    let (sealed, _) = ledger::seal(&fixture::mortgage());
    insta::assert_snapshot!(sarif::render(&sealed).unwrap());
}

/// Against the schema that OASIS publishes with the standard.
#[test]
fn sarif_follows_its_schema() {
    let mut schema: Value =
        serde_json::from_str(include_str!("fixtures/sarif-schema-2.1.0.json")).unwrap();
    // The published pattern of these properties is no regular expression (a bracket too many).
    for holder in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][holder]["properties"]["language"];
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (sealed, _) = ledger::seal(&fixture::mortgage());
    let log: Value = serde_json::from_str(&sarif::render(&sealed).unwrap()).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&log)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The schema can tell: a level that does not exist is refused.
    let mut wrong = log;
    wrong["runs"][0]["results"][0]["level"] = "bad".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn every_format_has_its_own_name_and_renders() {
    let (sealed, receipt) = ledger::seal(&fixture::mortgage());
    for format in RENDERERS {
        assert_eq!(renderer(format.name).unwrap().title, format.title);
        let same = RENDERERS.iter().filter(|other| other.extension == format.extension).count();
        assert_eq!(same, 1, "{}", format.extension);
        let first = (format.render)(&sealed, Some(&receipt)).unwrap();
        assert!(first.contains("FA-GROUP-001"), "{}", format.name);
        assert_eq!(first, (format.render)(&sealed, Some(&receipt)).unwrap());
    }
    assert!(renderer("pdf").is_none());
}
