//! Configuration checks on Kubernetes objects at line precision.
