//! Figures as values. `caiso-figure` draws them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One picture with its plain-language alternative. Every kind has a table twin: the values
/// themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Figure {
    /// Lines over a numeric axis, each with an optional band (robust accuracy over epsilon).
    Curve {
        /// Title.
        title: String,
        /// A sentence that says what the picture shows.
        alternative: String,
        /// Label of the horizontal axis with its unit.
        x_label: String,
        /// Label of the vertical axis with its unit.
        y_label: String,
        /// The lines.
        lines: Vec<Line>,
        /// Horizontal reference lines (chance, gate).
        #[serde(default)]
        marks: Vec<Mark>,
    },
    /// A dot with an interval for each row (group rates).
    Dots {
        /// Title.
        title: String,
        /// A sentence that says what the picture shows.
        alternative: String,
        /// Label of the horizontal axis with its unit.
        x_label: String,
        /// The rows, top first.
        dots: Vec<Dot>,
        /// Vertical reference lines.
        #[serde(default)]
        marks: Vec<Mark>,
        /// A shaded range of acceptable values (the four-fifths band).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        band: Option<Band>,
    },
    /// Stacked counts for each row (requirement states, check results).
    Strip {
        /// Title.
        title: String,
        /// A sentence that says what the picture shows.
        alternative: String,
        /// The rows, top first.
        bars: Vec<Bar>,
    },
    /// Columns of named cells in states (the ATLAS matrix).
    Grid {
        /// Title.
        title: String,
        /// A sentence that says what the picture shows.
        alternative: String,
        /// Column headings with their cells, top first.
        columns: Vec<(String, Vec<GridCell>)>,
    },
    /// Rows of pictures side by side (an image, what an attack made of it, the difference).
    Images {
        /// Title.
        title: String,
        /// A sentence that says what the picture shows.
        alternative: String,
        /// What stands in each column.
        columns: Vec<String>,
        /// The rows, top first.
        rows: Vec<ImageRow>,
    },
    /// What was changed in single records of a table (a row and what an attack made of it).
    Changes {
        /// Title.
        title: String,
        /// A sentence that says what the picture shows.
        alternative: String,
        /// The records, top first.
        records: Vec<ChangedRecord>,
    },
}

/// A line of a [`Figure::Curve`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Legend.
    pub name: String,
    /// Points as (x, y).
    pub points: Vec<(f64, f64)>,
    /// Band around the line as (low, high), one for each point, or empty.
    #[serde(default)]
    pub band: Vec<(f64, f64)>,
}

/// A reference line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// What it marks.
    pub label: String,
    /// Where.
    pub at: f64,
}

/// A shaded range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// What it means.
    pub label: String,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A row of a [`Figure::Dots`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dot {
    /// Name of the row.
    pub label: String,
    /// The value; `None` is drawn hatched as not assessed.
    pub value: Option<f64>,
    /// Interval as (low, high).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Sample size.
    pub n: u64,
    /// The reference row is marked.
    #[serde(default)]
    pub reference: bool,
    /// A row that breaks a threshold is marked by shape as well as colour.
    #[serde(default)]
    pub broken: bool,
}

/// A row of a [`Figure::Strip`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Name of the row.
    pub label: String,
    /// (state, count), in drawing order. States are the vocabulary's words.
    pub parts: Vec<(String, u64)>,
}

/// A cell of a [`Figure::Grid`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GridCell {
    /// Short label (an id).
    pub label: String,
    /// Long label (a name).
    pub title: String,
    /// `found`, `tested`, `mitigated`, `untested`.
    pub state: String,
}

/// A row of a [`Figure::Images`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRow {
    /// What the pictures are of.
    pub label: String,
    /// One for each column.
    pub images: Vec<Raster>,
}

/// A picture of pixels, 8 bits for each channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raster {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// 1: grey; 3: red, green, blue.
    pub channels: u8,
    /// `height * width * channels` bytes, top left first; base64 in JSON.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub pixels: Vec<u8>,
}

/// A record of a [`Figure::Changes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedRecord {
    /// Which record, and what became of it.
    pub label: String,
    /// What was changed, in the order of the columns.
    pub changes: Vec<Changed>,
}

/// A changed value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// The column.
    pub feature: String,
    /// The value before.
    pub before: f64,
    /// The value after.
    pub after: f64,
    /// Smallest and largest valid value.
    pub range: (f64, f64),
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}
