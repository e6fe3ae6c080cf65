//! Deployments: every rule over every named manifest.

use std::sync::Arc;

use caiso_core::Subject;
use caiso_infra::InfraInput;

use crate::plan::{Planner, missing};
use crate::step::{Step, Work};

pub(crate) fn plan(planner: &Planner<'_>) -> Vec<Step> {
    let deployments = &planner.system.manifest.deployments;
    if deployments.is_empty() {
        let reason = || Work::NotApplicable("the system names no deployment".to_owned());
        return planner.without_running(caiso_infra::CHECKS, "", &[], reason);
    }
    let mut steps = Vec::new();
    for deployment in deployments {
        let component = format!("deployment:{}", deployment.name.value);
        let files = planner.system.deployment_files(deployment);
        let subjects: Vec<Subject> = files
            .iter()
            .map(|file| Subject::new(format!("{component}:{}", file.path), &file.sha256))
            .collect();
        if files.is_empty() {
            let work = || {
                missing(
                    "its paths hold no .yaml, .yml or .json file",
                    "name the Kubernetes manifests under `deployments`",
                )
            };
            steps.extend(planner.without_running(caiso_infra::CHECKS, &component, &subjects, work));
            continue;
        }
        let contents: Vec<(&str, &[u8])> =
            files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice())).collect();
        let input = Arc::new(InfraInput::parse(&component, &contents));
        steps.extend(caiso_infra::CHECKS.iter().map(|check| {
            let parameters = planner.parameters(check.meta.code);
            Step::run(check, &input, &component, subjects.clone(), parameters)
        }));
    }
    steps
}
