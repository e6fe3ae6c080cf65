//! Tamper-evident log: RFC 6962 tree, C2SP notes and receipts, DSSE.
