//! Rows that are images.

use crate::RobustnessError;
use crate::batch::Batch;

/// Shape of the images of a model: `[channels, height, width]`, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Image {
    /// The shape that the model under attack declares; two axes are an image of one channel.
    pub(crate) fn of(batch: &Batch<'_, '_>) -> Result<Self, RobustnessError> {
        let shape = &batch.oracle.model.spec().input_shape;
        let image = match **shape {
            [channels, height, width] => Self { channels, height, width },
            [height, width] => Self { channels: 1, height, width },
            _ => {
                let shape = shape.clone();
                return Err(RobustnessError::NotAnImage { attack: batch.task.attack, shape });
            }
        };
        Ok(image)
    }

    /// Values in one channel.
    pub(crate) fn plane(&self) -> usize {
        self.height * self.width
    }
}

/// A turn about the centre, then a shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    /// Counter-clockwise.
    pub(crate) degrees: f64,
    /// Pixels.
    pub(crate) down: f64,
    pub(crate) right: f64,
}

impl Image {
    /// Writes the turned and shifted image to `into`: bilinear interpolation, 0 outside.
    pub(crate) fn transform(&self, pixels: &[f32], by: &Affine, into: &mut [f32]) {
        let angle = by.degrees.to_radians();
        let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
        let middle = |length: usize| (length as f64 - 1.0) / 2.0;
        let (centre_y, centre_x) = (middle(self.height), middle(self.width));
        for y in 0..self.height {
            for x in 0..self.width {
                // Where the pixel comes from.
                let (dy, dx) = (y as f64 - centre_y - by.down, x as f64 - centre_x - by.right);
                let source_y = centre_y + cosine * dy + sine * dx;
                let source_x = centre_x + cosine * dx - sine * dy;
                let (top, left) = (source_y.floor(), source_x.floor());
                let (below, beside) = ((source_y - top) as f32, (source_x - left) as f32);
                for channel in 0..self.channels {
                    let plane = &pixels[channel * self.plane()..][..self.plane()];
                    let at = |y: f64, x: f64| {
                        let inside =
                            y >= 0.0 && x >= 0.0 && y < self.height as f64 && x < self.width as f64;
                        if inside { plane[y as usize * self.width + x as usize] } else { 0.0 }
                    };
                    let upper = (1.0 - beside) * at(top, left) + beside * at(top, left + 1.0);
                    let lower =
                        (1.0 - beside) * at(top + 1.0, left) + beside * at(top + 1.0, left + 1.0);
                    into[channel * self.plane() + y * self.width + x] =
                        if below == 0.0 { upper } else { (1.0 - below) * upper + below * lower };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_shifts_and_half_turns_move_pixels_as_they_are() {
        let image = Image { channels: 2, height: 2, width: 3 };
        let pixels: Vec<f32> = (1..=12).map(|x| x as f32).collect();
        let moved = |degrees: f64, down: f64, right: f64| {
            let mut into = vec![0.0; 12];
            image.transform(&pixels, &Affine { degrees, down, right }, &mut into);
            into
        };
        assert_eq!(moved(0.0, 0.0, 0.0), pixels);
        assert_eq!(moved(0.0, 1.0, -1.0)[..6], [0.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
        assert_eq!(moved(0.0, 1.0, -1.0)[6..], [0.0, 0.0, 0.0, 8.0, 9.0, 0.0]);
        // Half a pixel lies between two.
        assert_eq!(moved(0.0, 0.0, 0.5)[..3], [0.5, 1.5, 2.5]);
        for (turned, expected) in moved(180.0, 0.0, 0.0).iter().zip([6., 5., 4., 3., 2., 1.]) {
            assert!((turned - expected).abs() < 1e-5, "{turned} {expected}");
        }
    }

    #[test]
    fn turns_are_counter_clockwise() {
        let image = Image { channels: 1, height: 3, width: 3 };
        let pixels = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let mut into = [0.0; 9];
        image.transform(&pixels, &Affine { degrees: 90.0, down: 0.0, right: 0.0 }, &mut into);
        assert!((into[1] - 1.0).abs() < 1e-6, "what was on the right is on top: {into:?}");
    }
}
