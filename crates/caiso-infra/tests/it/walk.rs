//! Finding pod specifications: in known places, by shape, and the mistakes of other tools.

use crate::{found, input, run, unclear};

/// A bundle of objects as they are found in machine learning clusters, each with a privileged
/// container or what leads to one.
const BUNDLE: &str = include_str!("../fixtures/bundle.yaml");

#[test]
fn every_embedded_pod_specification_is_found() {
    let input = input(BUNDLE);
    assert_eq!(input.problems(), []);
    insta::assert_snapshot!(found("IN-K8S-001", &input).join("\n"));
}

#[test]
fn the_insecure_bundle_is_found_by_every_rule() {
    let input = input(include_str!("../fixtures/insecure.yaml"));
    let mut lines = Vec::new();
    for check in caiso_infra::CHECKS {
        let code = check.meta.code;
        for line in found(code, &input) {
            lines.push(format!("{code} {line}"));
        }
    }
    for title in [
        "PyTorchJob/train Worker container pytorch",
        "InferenceService/credit predictor",
        "Notebook/research container",
        "RayCluster/tune",
        "Workflow/retrain template fit script",
        "AuthorizationPolicy/everybody",
        "ClusterRoleBinding/everybody",
        "ClusterRole/pipeline",
    ] {
        assert!(lines.iter().any(|line| line.contains(title)), "nothing about {title}");
    }
    insta::assert_snapshot!(lines.join("\n"));
}

fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{{spec}}}\n")
}

#[test]
fn text_in_place_of_a_switch_neither_panics_nor_passes() {
    let input = input(&pod("hostPID: \"true\", containers: [{name: c, image: i}]"));
    assert_eq!(found("IN-K8S-002", &input), [""; 0]);
    assert_eq!(
        unclear("IN-K8S-002", &input),
        ["deploy.yaml:4:17 (Pod/a): `hostPID` is text, expected true or false without quotes"]
    );
}

#[test]
fn kubernetes_reads_yes_as_true() {
    for word in ["yes", "Yes", "on", "y", "true", "TRUE"] {
        let input = input(&pod(&format!("hostPID: {word}, containers: [{{name: c, image: i}}]")));
        assert_eq!(found("IN-K8S-002", &input).len(), 1, "{word}");
    }
}

#[test]
fn lists_are_opened() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- kind: List\n  apiVersion: v1\n  items:\n  - {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {hostPID: true, containers: [{name: c}]}}\n";
    assert_eq!(found("IN-K8S-002", &input(list)), ["7:70 high Pod/a hostPID"]);
    let typed = "apiVersion: v1\nkind: PodList\nitems:\n- {metadata: {name: a}, spec: {hostPID: true, containers: [{name: c}]}}\n";
    assert_eq!(found("IN-K8S-002", &input(typed)), ["4:41 high Pod/a hostPID"]);
}

#[test]
fn jobs_are_judged_like_deployments() {
    for (kind, open, close) in [
        ("Job", "template: {spec: ", "}"),
        ("ReplicaSet", "template: {spec: ", "}"),
        ("CronJob", "jobTemplate: {spec: {template: {spec: ", "}}}"),
    ] {
        let text = format!(
            "kind: {kind}\nmetadata: {{name: a}}\nspec: {{{open}{{containers: [{{name: c, image: i, securityContext: {{privileged: true}}}}]}}{close}}}\n"
        );
        assert_eq!(found("IN-K8S-001", &input(&text)).len(), 1, "{kind}");
    }
}

#[test]
fn one_hardened_container_does_not_excuse_the_others() {
    let text = pod(
        "containers: [{name: good, image: i, securityContext: {runAsNonRoot: true, readOnlyRootFilesystem: true}}, {name: bad, image: i}]",
    );
    for code in ["IN-K8S-003", "IN-K8S-012"] {
        let found = found(code, &input(&text));
        assert!(matches!(&found[..], [one] if one.ends_with("container bad")), "{found:?}");
    }
}

#[test]
fn names_are_compared_whole() {
    let text = pod(
        "containers: [{name: c, image: i, securityContext: {capabilities: {add: [NOT_SYS_ADMIN], drop: [NOT_ALL]}}}], \
         volumes: [{name: v, hostPath: {path: /processed}}, {name: w, hostPath: {path: /run/docker.sock}}, {name: x, hostPath: {path: /}}]",
    );
    assert_eq!(found("IN-K8S-008", &input(&text)), ["4:80 medium Pod/a container c"]);
    assert_eq!(found("IN-K8S-010", &input(&text)).len(), 1);
    let severities: Vec<String> = found("IN-K8S-005", &input(&text))
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(severities, ["medium", "critical", "critical"]);
}

#[test]
fn a_serving_runtime_completes_the_services_that_name_it() {
    let service = "
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: credit}
spec:
  predictor:
    model: {modelFormat: {name: onnx}, runtime: triton}
";
    let runtime = "---
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: triton}
spec:
  securityContext: {runAsNonRoot: true}
  containers:
    - {name: kserve-container, image: i, securityContext: {readOnlyRootFilesystem: true}}
";
    // Alone, what the runtime will set is unknown, and no finding.
    let alone = input(service);
    assert_eq!(found("IN-K8S-003", &alone), [""; 0]);
    assert_eq!(
        unclear("IN-K8S-003", &alone),
        [
            "deploy.yaml:7:12 (InferenceService/credit predictor model): `securityContext.runAsNonRoot` is not set here, and the serving \
          runtime `triton` may set it"
        ]
    );
    let both = input(&format!("{service}{runtime}"));
    for code in ["IN-K8S-003", "IN-K8S-012"] {
        let outcome = run(code, &both).unwrap();
        assert_eq!((outcome.findings.len(), outcome.not_assessed.len()), (0, 0), "{code}");
    }
    // What neither sets is missing, at both.
    assert_eq!(
        found("IN-K8S-004", &both),
        [
            "7:12 medium InferenceService/credit predictor model",
            "15:7 medium ServingRuntime/triton container kserve-container"
        ]
    );
}

#[test]
fn workflow_settings_reach_their_templates() {
    let text = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec:
  securityContext: {runAsNonRoot: true}
  templateDefaults: {container: {securityContext: {readOnlyRootFilesystem: true}}}
  hostPID: true
  templates:
    - {name: inherits, container: {image: i}}
    - {name: replaces, securityContext: {seccompProfile: {type: RuntimeDefault}}, container: {image: i}}
    - {name: patched, podSpecPatch: 'containers: [{name: main, securityContext: {privileged: true}}]', container: {image: i}}
    - {name: placeholder, podSpecPatch: '{{workflow.parameters.patch}}', container: {image: i}}
    - {name: steps, steps: []}
    - name: creates
      resource:
        action: create
        manifest: |
          apiVersion: v1
          kind: Pod
          metadata: {name: inner}
          spec: {containers: [{name: c, image: i, securityContext: {privileged: true}}]}
";
    let input = input(text);
    // A security context of a template replaces that of the workflow as a whole.
    assert_eq!(
        found("IN-K8S-003", &input),
        [
            "11:94 medium Workflow/w template replaces container",
            "19:11 medium Workflow/w template creates Pod container c"
        ]
    );
    assert_eq!(
        found("IN-K8S-001", &input),
        [
            "12:37 high Workflow/w template patched container",
            "19:11 high Workflow/w template creates Pod container c"
        ]
    );
    assert_eq!(found("IN-K8S-002", &input).len(), 4);
    assert_eq!(
        found("IN-K8S-012", &input),
        ["19:11 low Workflow/w template creates Pod container c"]
    );
    assert_eq!(input.problems().len(), 1, "{:?}", input.problems());
}

#[test]
fn policies_that_may_select_are_unclear() {
    let text = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p}
spec: {podSelector: {matchLabels: {training.kubeflow.org/job-name: train}}}
---
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: train}
spec: {pytorchReplicaSpecs: {Worker: {template: {spec: {containers: [{name: pytorch, image: i}]}}}}}
";
    assert_eq!(found("IN-K8S-016", &input(text)), [""; 0]);
    assert_eq!(unclear("IN-K8S-016", &input(text)).len(), 1);
}

#[test]
fn the_example_has_the_weaknesses_that_were_planted_and_no_others() {
    let files: [(&str, &[u8]); 3] = [
        (
            "deploy/decision-api.yaml",
            include_bytes!("../../../../examples/mortgage/deploy/decision-api.yaml"),
        ),
        (
            "deploy/inferenceservice.yaml",
            include_bytes!("../../../../examples/mortgage/deploy/inferenceservice.yaml"),
        ),
        (
            "deploy/networkpolicy.yaml",
            include_bytes!("../../../../examples/mortgage/deploy/networkpolicy.yaml"),
        ),
    ];
    let input = caiso_infra::InfraInput::parse("deployment:kubernetes", &files);
    assert_eq!(input.problems(), []);
    let mut lines = Vec::new();
    for check in caiso_infra::CHECKS {
        let outcome = run(check.meta.code, &input).unwrap();
        assert_eq!(outcome.not_assessed, [], "{}", check.meta.code);
        for finding in outcome.findings {
            lines.push(format!("{} {} {}", finding.code, finding.severity, finding.location));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
