//! The rules, one file each.

use caiso_core::Check;

use crate::InfraInput;

caiso_core::units![Check<InfraInput>:
    unreadable,
    privileged,
    host_namespaces,
    run_as_root,
    privilege_escalation,
    host_path,
    image_not_pinned,
    secret_in_manifest,
    added_capabilities,
    resource_limits,
    undropped_capabilities,
    seccomp,
    writable_root,
    service_account_token,
    secret_as_environment,
    host_port,
    network_policy,
    wide_role,
    model_source,
    unsafe_model_format,
    broad_binding,
    public_endpoint,
    plain_http,
    open_notebook,
    code_at_start,
    mesh_policy,
    script_injection,
];
