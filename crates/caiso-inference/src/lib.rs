//! Models one can run and differentiate: ONNX graphs with reverse mode.
