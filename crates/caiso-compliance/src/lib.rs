//! Catalogs of obligations, classification, requirement states.
