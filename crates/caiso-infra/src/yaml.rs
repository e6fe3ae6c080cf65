//! Kubernetes YAML and JSON as trees in which every node knows its line and column.

mod node;
mod parse;
mod scalar;

pub(crate) use node::{Entry, Field, FromNode, Node, Quantity, Value, is_template, read};
pub(crate) use parse::{Flaw, parse, parse_embedded};
