//! Figure values drawn as SVG.
