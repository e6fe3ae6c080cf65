use caiso_core::{Check, CheckError, Meta, Outcome, ParameterSet, RunContext, Severity};

use crate::InfraInput;
use crate::manifests::printable;
use crate::pods::Pod;
use crate::report::Report;
use crate::yaml::{Field, Node, read};

caiso_core::unit! {
    /// ## What it does
    /// Reports `hostPath` volumes of pods and persistent volumes. Critical are the root of the
    /// node's file system, sockets, and folders from which the node can be taken over; high is any
    /// other folder that a container may write to; medium one that all containers mount read-only.
    /// Paths are compared part by part: `/processed` is not `/proc`.
    ///
    /// ## Why it matters
    /// The folder belongs to the node, not to the deployment: whoever else writes to it replaces
    /// the model or its data, and a container that writes to it changes the node.
    ///
    /// ## References
    /// - Kubernetes Pod Security Standards, baseline: HostPath Volumes
    /// - CIS Kubernetes Benchmark v1.11, 5.2.12
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Pod security
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-005",
            name: "host-path",
            title: "A pod mounts a folder of its node",
            severity: Severity::High,
            techniques: &["AML.T0105", "AML.T0018.000", "AML.T0090"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| run(input, context),
    };
}

/// Folders through which, also without writing, the node or its secrets are in reach, with what is
/// below them.
const TAKEOVER: [&str; 10] = [
    "/proc",
    "/etc/kubernetes",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/run",
    "/var/run",
    "/root",
    "/dev",
];
/// Devices that a workload may need and that give no more than themselves.
const DEVICES: [&str; 2] = ["/dev/shm", "/dev/infiniband"];

const REMEDY: &str = "Replace the volume: a model from `persistentVolumeClaim` with `readOnly: \
                      true` or from the image, scratch space from `emptyDir: {sizeLimit: 1Gi}`, \
                      settings from `configMap`";

fn run(input: &InfraInput, context: &RunContext) -> Result<Outcome, CheckError> {
    let mut report = Report::new(input, &UNIT.meta);
    let persistent = || input.of_kind("PersistentVolume");
    if persistent().next().is_none() {
        report.expect_pods()?;
    }
    for pod in &input.pods {
        context.proceed()?;
        for volume in pod.spec.items(&["volumes"]) {
            let name = volume.text_at(&["name"]).unwrap_or("without a name");
            let title = format!("{} volume {}", pod.title, printable(name));
            judge(&mut report, &pod.path, &title, volume, &usage(pod, name));
        }
    }
    for object in persistent() {
        if let Some(spec) = object.node.get("spec") {
            judge(&mut report, &object.path, &object.title(), spec, &Usage::Written);
        }
    }
    let count = input.pods.len().saturating_add(persistent().count());
    Ok(report.finish("pod_specs_checked", "specification", count))
}

#[derive(PartialEq)]
enum Usage {
    Unmounted,
    ReadOnly,
    Written,
}

/// How the containers of a pod use one of its volumes.
fn usage(pod: &Pod, volume: &str) -> Usage {
    let mut usage = Usage::Unmounted;
    for container in &pod.containers {
        for mount in container.spec.items(&["volumeMounts"]) {
            if mount.text_at(&["name"]) == Some(volume) {
                if !matches!(read::<bool>(mount, &["readOnly"]), Field::Known(true, _)) {
                    return Usage::Written;
                }
                usage = Usage::ReadOnly;
            }
        }
    }
    usage
}

fn judge(report: &mut Report<'_>, file: &str, title: &str, volume: &Node, usage: &Usage) {
    let Some(source) = volume.get("hostPath") else { return };
    let field = read::<&str>(source, &["path"]);
    if field == Field::Absent {
        report.unclear(file, source.place(), title, "`hostPath` has no `path`");
    }
    let Some((path, node)) = report.known(file, title, field) else { return };
    let normal = normalise(path);
    let below = |folder: &str| {
        normal.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let above = TAKEOVER.iter().any(|folder| {
        normal == "/"
            || folder.strip_prefix(normal.as_str()).is_some_and(|rest| rest.starts_with('/'))
    });
    let device = DEVICES.iter().any(|folder| below(folder))
        || normal.strip_prefix("/dev/").is_some_and(|name| name.starts_with("nvidia"));
    let socket =
        normal.rsplit('.').next() == Some("sock") || source.text_at(&["type"]) == Some("Socket");
    let shown = printable(path);
    let (severity, message) =
        if socket || above || (TAKEOVER.iter().any(|folder| below(folder)) && !device) {
            (
                Severity::Critical,
                format!(
                    "`{shown}` of the node is in the pod: from there the node and every pod on \
                     it can be taken over"
                ),
            )
        } else if *usage == Usage::Written {
            (
                Severity::High,
                format!(
                    "the pod may write to `{shown}` on the node, and whoever else can write \
                     there changes what it loads"
                ),
            )
        } else {
            (
                Severity::Medium,
                format!(
                    "`{shown}` comes from the node: whoever can write to that folder on any \
                     node replaces what the pod loads from it"
                ),
            )
        };
    report.finding(file, node.place(), title, message, REMEDY).severity = severity;
}

/// An absolute path without empty parts, `.` and `..`.
fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
