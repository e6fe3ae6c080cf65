//! Integration tests of the attacks.

mod autoattack;
mod blackbox;
mod campaign;
mod doubts;
mod ensemble;
mod exact;
mod forest;
mod images;
mod laws;
mod metrics;
mod models;
mod mortgage;
mod nearest;
mod outcomes;
mod parity;
mod peers;
mod texts;
mod trees;
mod white_box;
