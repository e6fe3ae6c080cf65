//! Reading files: documents, broken text, budgets, values of the wrong type.

use caiso_core::CheckError;
use caiso_infra::{CHECKS, InfraInput};

use crate::{found, input, run, unclear};

const PRIVILEGED: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i, securityContext: {privileged: true}}]}\n";

/// The problems, a line each.
fn problems(bytes: &[u8]) -> Vec<String> {
    let input = InfraInput::parse("deployment:d", &[("a.yaml", bytes)]);
    input.problems().iter().map(|p| format!("{}:{} {}", p.line, p.column, p.message)).collect()
}

#[test]
fn every_form_of_separator_ends_a_document() {
    for separator in
        ["---", "--- ", "---\t", "--- # next", "...\n---", "---\r", "...\n# x\n%YAML 1.2\n---"]
    {
        let text = format!("{PRIVILEGED}{separator}\n{PRIVILEGED}");
        assert_eq!(found("IN-K8S-001", &input(&text)).len(), 2, "{separator:?}");
    }
    let text = format!("# c\n---\n# only a comment\n---\n\n---\n{PRIVILEGED}---\n# end\n");
    let input = input(&text);
    assert_eq!((input.objects(), input.problems().len()), (1, 0));
    assert_eq!(found("IN-K8S-001", &input), ["10:71 high Pod/a container c"]);
}

#[test]
fn a_broken_document_hides_no_other() {
    let text = format!("{PRIVILEGED}---\na: [1\n---\n{PRIVILEGED}");
    let input = input(&text);
    assert_eq!(found("IN-K8S-001", &input).len(), 2);
    insta::assert_snapshot!(input.problems()[0]);
    let [item] = &unclear("IN-K8S-001", &input)[..] else { panic!("one remark") };
    assert!(item.contains("IN-K8S-000"), "{item}");
}

#[test]
fn what_cannot_be_read_says_where_and_why() {
    insta::assert_debug_snapshot!([
        problems(b"kind: Pod\nname: \xff\n"),
        problems("\u{feff}kind: Pod\nspec: {containers: [{name: c, image: i}]}".as_bytes()),
        problems("kind: Pod\na: \"x\ny\u{2028}z\"\nspec: {containers: [{name: c}]}".as_bytes()),
        problems(b"kind: Pod\nspec: {containers: [{name: c}]}\n? {a: b}\n: c\n"),
        problems(b"a: &a [*a]\n"),
        problems(b"kind: Deployment\nspec: {{ toYaml .Values }}\n"),
        problems(b"[1, 2]"),
        problems(b"kind: Pod\nspec: {containers: [{name: c}, d]}\n"),
    ]);
}

#[test]
fn nothing_to_read_is_not_a_pass() {
    for files in [&[][..], &[("a.yaml", b"# nothing\n".as_slice())]] {
        let input = InfraInput::parse("deployment:d", files);
        for check in CHECKS.iter().filter(|check| check.meta.code != "IN-K8S-000") {
            let result = run(check.meta.code, &input);
            assert!(matches!(result, Err(CheckError::NotAssessable { .. })), "{}", check.meta.code);
        }
    }
    // Objects without pods: the rules about pods cannot say anything, the others can.
    let input = input("apiVersion: v1\nkind: Namespace\nmetadata: {name: lending}\n");
    assert!(run("IN-K8S-001", &input).is_err());
    assert_eq!(run("IN-K8S-017", &input).unwrap().measurements[0].n, 0);
}

#[test]
fn what_cannot_be_read_is_never_a_pass() {
    let cases: [&[u8]; 4] = [
        b"apiVersion: v1\nkind: [Pod\n",
        b"apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n",
        b"apiVersion: v1\nkind: \xff\n",
        b"replicas: 3\n",
    ];
    for text in cases {
        // Beside a good manifest too.
        let good: &[u8] = include_bytes!("../fixtures/IN-K8S-001/good.yaml");
        for files in [&[("a.yaml", text)][..], &[("a.yaml", text), ("b.yaml", good)]] {
            let input = InfraInput::parse("deployment:d", files);
            for check in CHECKS {
                let outcome = run(check.meta.code, &input);
                let passes = outcome.is_ok_and(|outcome| outcome.not_assessed.is_empty());
                assert!(
                    !passes,
                    "{} passes on {:?}",
                    check.meta.code,
                    String::from_utf8_lossy(text)
                );
            }
        }
    }
}

#[test]
fn json_is_read_as_well() {
    let json = "{\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"a\"},\n\t\"spec\": {\"containers\": [\n\t\t{\"name\": \"c\", \"image\": \"i\\/j\\u0041\", \"securityContext\": {\"privileged\": true}}]}\n}\n";
    assert_eq!(problems(json.as_bytes()), [""; 0]);
    assert_eq!(found("IN-K8S-001", &input(json)).len(), 1);
}

#[test]
fn budgets_stop_bombs() {
    let flow = format!("a: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let laughs = (1..12).fold("l0: &l0 [x]\n".to_owned(), |text, level| {
        let aliases = vec![format!("*l{}", level - 1); 10].join(", ");
        format!("{text}l{level}: &l{level} [{aliases}]\n")
    });
    let merges = (1..12).fold("l0: &l0 {k0: x}\n".to_owned(), |text, level| {
        let aliases = vec![format!("*l{}", level - 1); 10].join(", ");
        format!("{text}l{level}: &l{level} {{<<: [{aliases}], k{level}: x}}\n")
    });
    let chain = (1..200).fold("l0: &l0 [x]\n".to_owned(), |text, level| {
        format!("{text}l{level}: &l{level} [*l{}]\n", level - 1)
    });
    let flawed = "---\n[\n".repeat(5_000);
    let twice = format!("a: {{{}}}", "b: 1, ".repeat(5_000));
    let long = format!("a: \"{}\"", "x".repeat(17 << 20));
    let many = format!("a: [{}]", "1,".repeat(1_100_000));
    for (text, word) in [
        (flow, "limit"),
        (deep, "deep"),
        (laughs, "values"),
        (merges, "values"),
        (chain, "deep"),
        (flawed, "broken"),
        (twice, "twice"),
        (long, "bytes"),
        (many, "values"),
    ] {
        let problems = problems(text.as_bytes());
        assert!(problems.iter().any(|problem| problem.contains(word)), "{:?}", problems.first());
        assert!(problems.len() < 1_100, "{}", problems.len());
    }
}

#[test]
fn aliases_and_merge_keys_are_followed() {
    let text = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
x-base: &base {privileged: true, runAsUser: 0}
x-own: &own {privileged: false}
spec:
  template:
    spec:
      containers:
        - {name: alias, image: i, securityContext: *base}
        - {name: merged, image: i, securityContext: {<<: *base, runAsUser: 5}}
        - {name: own-wins, image: i, securityContext: {privileged: false, <<: *base}}
        - {name: first-wins, image: i, securityContext: {<<: [*own, *base]}}
";
    assert_eq!(
        found("IN-K8S-001", &input(text)),
        ["5:28 high Deployment/a container alias", "5:28 high Deployment/a container merged"]
    );
    assert_eq!(found("IN-K8S-003", &input(text)).len(), 3);
}

#[test]
fn values_of_the_wrong_type_are_unclear_not_absent() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  hostPID: \"true\"
  hostIPC: 1
  securityContext: none
  volumes: {name: v}
  containers:
    - {name: c, image: [i], securityContext: {privileged: \"true\", capabilities: {add: ALL}}}
    - {name: d, image: \"{{ .Values.image }}\", securityContext: [], resources: {limits: {memory: true}}}
";
    let input = input(text);
    let all: Vec<String> =
        ["IN-K8S-001", "IN-K8S-002", "IN-K8S-003", "IN-K8S-006", "IN-K8S-008", "IN-K8S-009"]
            .into_iter()
            .flat_map(|code| unclear(code, &input))
            .collect();
    insta::assert_snapshot!(all.join("\n"));
    assert_eq!(found("IN-K8S-002", &input), [""; 0]);
}
