//! Evaluation of models: skill against a constant predictor.
