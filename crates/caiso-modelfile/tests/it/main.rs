//! Integration tests of model file checks.

mod archives;
mod beside;
mod configurations;
mod description;
mod ensembles;
mod fixtures;
mod formats;
mod gguf;
mod graphs;
mod keras;
mod msgpack;
mod numpy;
mod onnx;
mod outcomes;
mod pickles;
mod run;
mod safetensors;
mod tensorflow;
mod tflite;
