use caiso_core::{Check, Meta, ParameterSet, Severity};

use crate::InfraInput;
use crate::pods::{Container, Pod};
use crate::report::{Report, over_containers};
use crate::yaml::Node;

caiso_core::unit! {
    /// ## What it does
    /// Reports commands, arguments and scripts of containers that run what they fetch: a download
    /// piped into a shell or interpreter and `--trust-remote-code` (high), package installations at
    /// the start without hashes (medium).
    ///
    /// ## Why it matters
    /// What runs was not in the image that was assessed and pinned. Whoever controls the place it
    /// comes from runs code in the container, each time it starts.
    ///
    /// ## References
    /// - NSA/CISA Kubernetes Hardening Guide v1.2, Supply chain
    /// - MITRE ATLAS AML.T0010.001 (AI supply chain compromise: AI software), AML.T0011.000
    /// - CWE-494
    pub(crate) static UNIT: Check<InfraInput> = Check {
        meta: Meta {
            code: "IN-K8S-024",
            name: "code-at-start",
            title: "A container fetches code when it starts",
            severity: Severity::High,
            techniques: &["AML.T0010.001", "AML.T0011.000", "AML.T0072"],
            evidence: &["k8s-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: |input, _, context| over_containers(&UNIT.meta, input, context, visit),
    };
}

fn visit(report: &mut Report<'_>, pod: &Pod, container: &Container) {
    let mut nodes: Vec<&Node> =
        ["command", "args"].iter().flat_map(|list| container.spec.items(&[list])).collect();
    nodes.extend(container.spec.raw(&["source"]));
    // One finding a container and kind, at the first place.
    let mut seen = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let Some(text) = node.text() else { continue };
        let next = nodes.get(index.saturating_add(1)).and_then(|node| node.text());
        for (kind, severity, message) in judge(text, next) {
            if seen.contains(&kind) {
                continue;
            }
            seen.push(kind);
            report
                .finding(
                    &pod.path,
                    node.place(),
                    format!("{} {kind}", container.title),
                    message,
                    "Build what it needs into the image, pin it by hash, and write `image: \
                     NAME@sha256:DIGEST`; for models, use a revision whose code was read",
                )
                .severity = severity;
        }
    }
}

fn judge(text: &str, next: Option<&str>) -> Vec<(&'static str, Severity, &'static str)> {
    let mut found = Vec::new();
    let flag = |word: &str| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let on = match value {
            "" => !next.is_some_and(|next| next.eq_ignore_ascii_case("false")),
            value => value.eq_ignore_ascii_case("true") || value == "1",
        };
        matches!(name, "--trust-remote-code" | "--trust_remote_code") && on
    };
    if text.split_whitespace().any(flag) {
        found.push((
            "trust-remote-code",
            Severity::High,
            "the server runs the code that comes with a model (`--trust-remote-code`)",
        ));
    }
    // Lines that end in a backslash go on.
    let script = text.replace("\\\n", " ");
    for line in script.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if piped_download(line) {
            found.push((
                "download",
                Severity::High,
                "a download is run unseen each time the container starts",
            ));
        }
        if installs(line) {
            found.push((
                "installation",
                Severity::Medium,
                "packages are installed each time the container starts, in whatever version \
                 there is then",
            ));
        }
    }
    found
}

/// The first word of a command, without the folder, and after `sudo` and assignments.
fn program(command: &str) -> &str {
    let skip = |word: &&str| {
        matches!(*word, "sudo" | "exec" | "env" | "then" | "do" | "-E" | "(" | "{")
            || word.contains('=')
    };
    let word = command.split_whitespace().find(|word| !skip(word)).unwrap_or_default();
    word.rsplit('/').next().unwrap_or(word)
}

fn piped_download(line: &str) -> bool {
    let is_download = |command: &str| {
        command.split(['(', '`', ';', '&']).any(|part| matches!(program(part), "curl" | "wget"))
    };
    let is_interpreter = |command: &str| {
        matches!(
            program(command),
            "sh" | "bash"
                | "dash"
                | "zsh"
                | "ash"
                | "python"
                | "python3"
                | "perl"
                | "node"
                | "ruby"
        )
    };
    let parts: Vec<&str> = line.split('|').collect();
    let piped = parts
        .windows(2)
        .any(|pair| matches!(pair, [from, to] if is_download(from) && is_interpreter(to)));
    // bash <(curl …), sh -c "$(curl …)"
    let substituted = ["<(", "$("].iter().any(|open| {
        line.split_once(open).is_some_and(|(before, inside)| {
            is_interpreter(before.rsplit([';', '&', '|']).next().unwrap_or(before))
                && is_download(inside)
        })
    });
    piped || substituted
}

fn installs(line: &str) -> bool {
    line.split([';', '&', '|']).any(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let at =
            |wanted: &str| words.iter().position(|word| word.rsplit('/').next() == Some(wanted));
        let follows = |tool: &str, verb: &str| {
            at(tool).is_some_and(|index| {
                words.iter().skip(index.saturating_add(1)).any(|word| *word == verb)
            })
        };
        let pip = ["pip", "pip3", "uv"].iter().any(|tool| follows(tool, "install"));
        let pinned = words.iter().any(|word| *word == "--require-hashes" || *word == "--no-index");
        (pip && !pinned)
            || ["apt-get", "apt", "apk", "conda", "npm", "yum", "dnf"]
                .iter()
                .any(|tool| follows(tool, "install") || follows(tool, "add"))
    })
}
