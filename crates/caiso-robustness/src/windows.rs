//! Where the Square attack puts its changes: squares of an image, blocks of the features of a table.

use caiso_math::Stream;

use crate::FeatureDomain;
use crate::batch::Batch;

/// Features laid out in planes of rows and columns. A table is one plane of one row, its features that may move in an order
/// drawn once, so that neighbours in the file have no more to do with each other than others.
pub(crate) struct Grid {
    pub(crate) channels: usize,
    height: usize,
    width: usize,
    /// The feature at each place, `[channels, height, width]`.
    features: Vec<usize>,
}

/// A rectangle of a [`Grid`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Grid {
    /// As the model declares its input: `[channels, height, width]` and `[height, width]` are images, anything else is a
    /// table.
    pub(crate) fn of(batch: &Batch<'_, '_>) -> Self {
        let image = |channels: usize, height: usize, width: usize| Self {
            channels,
            height,
            width,
            features: (0..channels * height * width).collect(),
        };
        match *batch.oracle.model.spec().input_shape {
            [channels, height, width] => image(channels, height, width),
            [height, width] => image(1, height, width),
            _ => {
                let domain = batch.task.domain.features();
                let free = |&j: &usize| FeatureDomain::is_free(&domain[j]);
                let features = (0..domain.len()).filter(free).collect();
                Self::table(features, Stream::new(batch.task.seed, batch.task.code, u64::MAX))
            }
        }
    }

    fn table(mut features: Vec<usize>, mut stream: Stream) -> Self {
        stream.shuffle(&mut features);
        Self { channels: 1, height: 1, width: features.len(), features }
    }

    fn is_table(&self) -> bool {
        self.height == 1
    }

    /// A window that takes about this share of a plane and has at least `least` places on each side, at a random
    /// place. Every place is within reach of it, the last row and column too.
    pub(crate) fn draw(&self, share: f64, least: usize, odd: bool, stream: &mut Stream) -> Window {
        let side = self.side(share, least, odd);
        let (rows, columns) = self.extent(side);
        Window {
            top: stream.below((self.height - rows + 1) as u64) as usize,
            left: stream.below((self.width - columns + 1) as u64) as usize,
            rows,
            columns,
        }
    }

    fn side(&self, share: f64, least: usize, odd: bool) -> usize {
        let area = share * (self.height * self.width) as f64;
        let side = if self.is_table() { area } else { area.sqrt() };
        let side = (side.round() as usize).max(least);
        let most = if self.is_table() { self.width } else { self.height.min(self.width) };
        (side + usize::from(odd && side.is_multiple_of(2))).min(most)
    }

    fn extent(&self, side: usize) -> (usize, usize) {
        (side.min(self.height), side.min(self.width))
    }

    /// The windows, side by side, that a fifth of the side of the plane gives.
    pub(crate) fn tiles(&self) -> Vec<Window> {
        let along = if self.is_table() { self.width } else { self.height };
        let (rows, columns) = self.extent((along / 5).max(1));
        let corners = (0..self.height / rows)
            .flat_map(|i| (0..self.width / columns).map(move |j| (i * rows, j * columns)));
        corners.map(|(top, left)| Window { top, left, rows, columns }).collect()
    }

    /// The features of one channel in a window, row by row.
    pub(crate) fn places(
        &self,
        channel: usize,
        window: Window,
    ) -> impl Iterator<Item = usize> + '_ {
        (window.top..window.top + window.rows).flat_map(move |row| {
            let start = (channel * self.height + row) * self.width + window.left;
            self.features[start..start + window.columns].iter().copied()
        })
    }

    /// The columns of one channel, each with its features.
    pub(crate) fn columns(
        &self,
        channel: usize,
    ) -> impl Iterator<Item = impl Iterator<Item = usize> + '_> + '_ {
        (0..self.width).map(move |left| {
            self.places(channel, Window { top: 0, left, rows: self.height, columns: 1 })
        })
    }
}

/// A positive hill beside a negative one (Andriushchenko et al. 2020, section 3.3), `[rows, columns]`; with one row the
/// hills lie along it. `across` lays them side by side instead of one above the other.
pub(crate) fn hills(rows: usize, columns: usize, across: bool) -> Vec<f32> {
    let mut values = vec![0.0; rows * columns];
    let along_columns = rows == 1 || (across && columns > 1);
    let split = if along_columns { columns / 2 } else { rows / 2 };
    for i in 0..rows {
        for j in 0..columns {
            let first = if along_columns { j < split } else { i < split };
            // The rectangle of the hill, and the place in it.
            let (part, height, width) = match (first, along_columns) {
                (true, false) => ((i, j), split, columns),
                (false, false) => ((i - split, j), rows - split, columns),
                (true, true) => ((i, j), rows, split),
                (false, true) => ((i, j - split), rows, columns - split),
            };
            let value = hill(part, height, width);
            values[i * columns + j] = if first { value } else { -value };
        }
    }
    values
}

/// Rectangles around the middle, each larger than the one before and lower by the square of its number.
fn hill((i, j): (usize, usize), height: usize, width: usize) -> f32 {
    let distance = i.abs_diff(height / 2).max(j.abs_diff(width / 2));
    (distance..=height.max(width) / 2).map(|m| 1.0 / ((m + 1) * (m + 1)) as f32).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(channels: usize, height: usize, width: usize) -> Grid {
        Grid { channels, height, width, features: (0..channels * height * width).collect() }
    }

    /// ART draws up to `height - side` without it and fails where the side is the height.
    #[test]
    fn squares_reach_the_last_row_and_column_and_may_fill_the_image() {
        let grid = image(1, 8, 8);
        let mut stream = Stream::new(3, "test", 0);
        let mut seen = [false; 64];
        for _ in 0..400 {
            let window = grid.draw(0.1, 1, false, &mut stream);
            assert_eq!((window.rows, window.columns), (3, 3));
            grid.places(0, window).for_each(|place| seen[place] = true);
        }
        assert!(seen.iter().all(|&seen| seen));
        let whole = grid.draw(1.0, 1, false, &mut stream);
        assert_eq!(whole, Window { top: 0, left: 0, rows: 8, columns: 8 });
    }

    #[test]
    fn tiles_of_images_smaller_than_five_are_no_smaller_than_a_pixel() {
        assert_eq!(image(1, 4, 4).tiles().len(), 16);
        assert_eq!(image(1, 28, 28).tiles().len(), 25);
        let table = Grid::table((0..12).collect(), Stream::new(1, "test", 0));
        assert_eq!(table.tiles().len(), 6);
    }

    #[test]
    fn hills_are_of_opposite_sign() {
        for (rows, columns, across) in [(5, 5, false), (5, 5, true), (1, 7, false), (1, 1, false)] {
            let values = hills(rows, columns, across);
            assert_eq!(values.iter().filter(|value| **value != 0.0).count(), rows * columns);
            let positive = values.iter().filter(|value| **value > 0.0).count();
            let (halves, other) =
                if rows == 1 || across { (columns, rows) } else { (rows, columns) };
            assert_eq!(positive, halves / 2 * other, "{rows} {columns}");
        }
    }
}
