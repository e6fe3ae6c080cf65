//! The checks over a model file, one file each.

use caiso_core::Check;

use crate::ModelFileInput;

caiso_core::units![Check<ModelFileInput>: identification, custom_operator_domain, external_data, missing_signature];
