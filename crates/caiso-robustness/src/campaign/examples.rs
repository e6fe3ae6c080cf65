//! The nearest adversarial examples as a figure: pictures of images, tables of records.

use caiso_core::{Changed, ChangedRecord, Figure, ImageRow, Raster};

use super::Campaign;
use super::state::{Example, State, distance_words};
use crate::FeatureDomain;

/// Longest side of a picture; of a larger image every second, third … pixel is shown.
const SIDE: usize = 128;
/// Most changed features of a record that are shown.
const CHANGES: usize = 12;

/// A figure of the examples, if there are any.
pub(super) fn figure(campaign: &Campaign<'_>, state: &State) -> Option<Figure> {
    let examples = &state.examples;
    let nearest = examples.first()?;
    let norm = campaign.parameters.norm;
    let title = "Smallest changes that flip a decision".to_owned();
    let alternative = format!(
        "The {} correct decisions that flip most easily; the nearest needs a change of {} only.",
        examples.len(),
        distance_words(nearest.distance, norm),
    );
    let shape = &campaign.input.model.spec().input_shape;
    if let Some(layout) = Layout::of(shape) {
        let columns = ["original", "adversarial", "difference"].map(str::to_owned).to_vec();
        let rows = examples.iter().map(|example| pictures(campaign, example, layout)).collect();
        return Some(Figure::Images { title, alternative, columns, rows });
    }
    let records = examples.iter().map(|example| record(campaign, example)).collect();
    Some(Figure::Changes { title, alternative, records })
}

/// `row 17, from "no" to "yes" by pgd, 0.012 in linf`.
fn label(campaign: &Campaign<'_>, example: &Example) -> String {
    let class = |class: usize| campaign.input.classes.get(class).map_or("?", String::as_str);
    format!(
        "row {}, from {} to {} by {}, {}",
        campaign.ids[example.row] + 1,
        class(campaign.labels[example.row]),
        class(example.class),
        campaign.candidates[example.candidate].attack.meta.name,
        distance_words(example.distance, campaign.parameters.norm),
    )
}

fn record(campaign: &Campaign<'_>, example: &Example) -> ChangedRecord {
    let own = campaign.row(example.row);
    let features = campaign.input.domain.features();
    let mut changes: Vec<(f64, Changed)> = features
        .iter()
        .zip(own.iter().zip(&example.point))
        .filter(|(_, (before, after))| before != after)
        .map(|(feature, (&before, &after))| {
            let changed = Changed {
                feature: feature.name.clone(),
                before: shown(before),
                after: shown(after),
                range: (feature.lower, feature.upper),
            };
            (f64::from(after - before).abs() / feature.unit(), changed)
        })
        .collect();
    let others = changes.len().saturating_sub(CHANGES);
    // The largest changes, in the order of the columns.
    let mut sizes: Vec<f64> = changes.iter().map(|(size, _)| *size).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    if let Some(&least) = sizes.get(CHANGES) {
        changes.retain(|(size, _)| *size > least);
    }
    let mut label = label(campaign, example);
    if others > 0 {
        label += &format!(", the largest of {} changes", sizes.len());
    }
    ChangedRecord { label, changes: changes.into_iter().map(|(_, changed)| changed).collect() }
}

/// A single-precision number as it is written in decimals, not as its bits are in double precision.
fn shown(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// How the pixels of an image lie in a row of the model's input.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layout {
    channels: usize,
    height: usize,
    width: usize,
    channels_first: bool,
}

impl Layout {
    /// Of an input with three axes, of which the first or last has one or three channels.
    fn of(shape: &[usize]) -> Option<Self> {
        match *shape {
            [channels @ (1 | 3), height, width] => {
                Some(Self { channels, height, width, channels_first: true })
            }
            [height, width, channels @ (1 | 3)] => {
                Some(Self { channels, height, width, channels_first: false })
            }
            _ => None,
        }
    }

    fn index(self, channel: usize, y: usize, x: usize) -> usize {
        if self.channels_first {
            (channel * self.height + y) * self.width + x
        } else {
            (y * self.width + x) * self.channels + channel
        }
    }

    /// A picture of the values `level(place)`, each from 0 to 1.
    fn raster(self, level: impl Fn(usize) -> f64) -> Raster {
        let step = self.height.max(self.width).div_ceil(SIDE).max(1);
        let (ys, xs) = ((0..self.height).step_by(step), (0..self.width).step_by(step));
        let mut pixels = Vec::new();
        for y in ys.clone() {
            for x in xs.clone() {
                pixels.extend((0..self.channels).map(|channel| {
                    (255.0 * level(self.index(channel, y, x)).clamp(0.0, 1.0)).round() as u8
                }));
            }
        }
        Raster {
            width: xs.len() as u32,
            height: ys.len() as u32,
            channels: self.channels as u8,
            pixels,
        }
    }
}

fn pictures(campaign: &Campaign<'_>, example: &Example, layout: Layout) -> ImageRow {
    let own = campaign.row(example.row);
    let features = campaign.input.domain.features();
    let level = |values: &[f32], place: usize| {
        let feature: &FeatureDomain = &features[place];
        if feature.range() > 0.0 {
            (f64::from(values[place]) - feature.lower) / feature.range()
        } else {
            0.5
        }
    };
    let change = |place: usize| level(&example.point, place) - level(own, place);
    let largest = (0..own.len()).map(|place| change(place).abs()).fold(0.0, f64::max);
    let images = vec![
        layout.raster(|place| level(own, place)),
        layout.raster(|place| level(&example.point, place)),
        // Grey where nothing changes; the largest change is black or white.
        layout.raster(
            |place| {
                if largest > 0.0 { 0.5 + 0.5 * change(place) / largest } else { 0.5 }
            },
        ),
    ];
    ImageRow { label: label(campaign, example), images }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_lie_where_the_layout_says() {
        let first = Layout::of(&[3, 2, 4]).unwrap();
        assert_eq!(first.index(2, 1, 3), 23);
        assert_eq!(first.index(1, 0, 0), 8);
        let last = Layout::of(&[2, 4, 3]).unwrap();
        assert_eq!(last.index(1, 0, 2), 7);
        assert_eq!(Layout::of(&[12]), None);
        assert_eq!(Layout::of(&[5, 8, 8]), None);
        let raster = first.raster(|place| place as f64 / 23.0);
        assert_eq!((raster.width, raster.height, raster.channels), (4, 2, 3));
        assert_eq!(raster.pixels[..3], [0, 89, 177]);
        assert_eq!(raster.pixels[23], 255);
    }

    #[test]
    fn large_images_are_thinned() {
        let raster = Layout::of(&[1, 300, 200]).unwrap().raster(|_| 0.0);
        assert_eq!((raster.width, raster.height), (67, 100));
        assert_eq!(raster.pixels.len(), 6_700);
    }
}
