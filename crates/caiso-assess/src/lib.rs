//! The main job: plan, run, seal, judge.
