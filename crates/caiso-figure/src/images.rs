use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caiso_core::{ImageRow, Raster};

use crate::canvas::{Anchor, Canvas, fit};

const WIDTH: f64 = 740.0;
const LEFT: f64 = 8.0;
/// Side of a picture at most.
const SIDE: f64 = 132.0;
const GAP: f64 = 16.0;

pub(crate) fn draw(columns: &[String], rows: &[ImageRow]) -> Canvas {
    let count = columns.len().max(1) as f64;
    let side = SIDE.min((WIDTH - LEFT - GAP * count) / count);
    let mut canvas = Canvas::new(WIDTH, 0.0);
    let left = |index: usize| LEFT + (side + GAP) * index as f64;
    for (index, column) in columns.iter().enumerate() {
        let text = fit(column, 13.0, side);
        canvas.text("strong", (left(index), 16.0), Anchor::Start, &text);
    }
    let mut top = 26.0;
    for row in rows {
        for (index, raster) in row.images.iter().take(columns.len()).enumerate() {
            let longest = f64::from(raster.width.max(raster.height).max(1));
            let size = (
                f64::from(raster.width) / longest * side,
                f64::from(raster.height) / longest * side,
            );
            let at = (left(index), top);
            match png(raster) {
                Some(bytes) => canvas.image(&STANDARD.encode(bytes), at, size),
                None => {
                    canvas.text("muted small", (at.0, at.1 + 14.0), Anchor::Start, "no picture");
                }
            }
            canvas.rect("outline", at, size);
        }
        let label = fit(&row.label, 11.5, WIDTH - 2.0 * LEFT);
        canvas.text("muted small", (LEFT, top + side + 15.0), Anchor::Start, &label);
        top += side + 28.0;
    }
    canvas.height = top;
    canvas
}

/// The pixels as a PNG file, unless their number is not what width, height and channels say.
fn png(raster: &Raster) -> Option<Vec<u8>> {
    let fits = u64::from(raster.width)
        .checked_mul(u64::from(raster.height))
        .and_then(|pixels| pixels.checked_mul(u64::from(raster.channels)))
        .is_some_and(|count| count == raster.pixels.len() as u64 && count > 0);
    if !fits {
        return None;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, raster.width, raster.height);
    encoder.set_color(match raster.channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => return None,
    });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&raster.pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_png_of_these_pixels() {
        let raster =
            Raster { width: 3, height: 2, channels: 1, pixels: vec![0, 1, 2, 253, 254, 255] };
        let bytes = png(&raster).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (3, 2));
        assert_eq!(pixels, raster.pixels);
    }

    #[test]
    fn pixels_that_do_not_fit_are_no_picture() {
        for (width, height, channels, count) in
            [(0, 0, 1, 0), (2, 2, 1, 3), (2, 2, 2, 8), (u32::MAX, u32::MAX, 3, 1)]
        {
            let raster = Raster { width, height, channels, pixels: vec![7; count] };
            assert_eq!(png(&raster), None, "{width} {height} {channels}");
        }
    }
}
