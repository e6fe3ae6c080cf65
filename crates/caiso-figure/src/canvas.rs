//! A small writer of SVG elements.

/// Elements drawn so far and the size they need.
pub(crate) struct Canvas {
    width: f64,
    pub(crate) height: f64,
    body: String,
}

/// A position on the canvas.
pub(crate) type At = (f64, f64);

/// Where a text is anchored.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Shapes that tell series and states apart without colour.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Circle,
    Square,
    Diamond,
    Triangle,
}

impl Shape {
    pub(crate) const ALL: [Self; 4] = [Self::Circle, Self::Square, Self::Diamond, Self::Triangle];
}

impl Canvas {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(crate) fn width(&self) -> f64 {
        self.width
    }

    pub(crate) fn line(&mut self, class: &str, from: At, to: At) {
        let (x1, y1, x2, y2) = (short(from.0), short(from.1), short(to.0), short(to.1));
        self.body += &format!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// A rectangle; a width below zero is drawn as zero.
    pub(crate) fn rect(&mut self, class: &str, at: At, size: (f64, f64)) {
        self.rect_filled(&format!(r#"class="{class}""#), at, size);
    }

    /// A rectangle in the hatch that means "not assessed".
    pub(crate) fn hatched(&mut self, id: &str, at: At, size: (f64, f64)) {
        self.rect_filled(&format!(r#"fill="url(#{id}-hatch)""#), at, size);
        self.rect("outline", at, size);
    }

    fn rect_filled(&mut self, fill: &str, at: At, size: (f64, f64)) {
        let (x, y) = (short(at.0), short(at.1));
        let (width, height) = (short(size.0.max(0.0)), short(size.1.max(0.0)));
        self.body +=
            &format!(r#"<rect {fill} x="{x}" y="{y}" width="{width}" height="{height}"/>"#);
    }

    /// A picture from the base64 of a PNG file; its pixels stay sharp.
    pub(crate) fn image(&mut self, png: &str, at: At, size: (f64, f64)) {
        let (x, y, width, height) = (short(at.0), short(at.1), short(size.0), short(size.1));
        self.body += &format!(
            r#"<image style="image-rendering:pixelated" x="{x}" y="{y}" width="{width}" height="{height}" href="data:image/png;base64,{png}"/>"#
        );
    }

    /// A polyline, closed into an area if `closed`.
    pub(crate) fn path(&mut self, class: &str, points: &[At], closed: bool) {
        let data: Vec<String> = points
            .iter()
            .enumerate()
            .map(|(index, (x, y))| {
                format!("{}{} {}", if index == 0 { 'M' } else { 'L' }, short(*x), short(*y))
            })
            .collect();
        let end = if closed { "Z" } else { "" };
        self.body += &format!(r#"<path class="{class}" d="{}{end}"/>"#, data.concat());
    }

    pub(crate) fn marker(&mut self, shape: Shape, class: &str, (x, y): At, radius: f64) {
        let r = radius;
        match shape {
            Shape::Circle => {
                let (x, y, r) = (short(x), short(y), short(r));
                self.body += &format!(r#"<circle class="{class}" cx="{x}" cy="{y}" r="{r}"/>"#);
            }
            Shape::Square => {
                let r = r * 0.9;
                self.rect(class, (x - r, y - r), (2.0 * r, 2.0 * r));
            }
            Shape::Diamond => {
                let r = r * 1.3;
                self.path(class, &[(x, y - r), (x + r, y), (x, y + r), (x - r, y)], true);
            }
            Shape::Triangle => {
                let r = r * 1.15;
                self.path(class, &[(x, y - r), (x + r, y + r * 0.8), (x - r, y + r * 0.8)], true);
            }
        }
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): At, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
        let (x, y, text) = (short(x), short(y), escape(text));
        self.body += &format!(r#"<text{class} x="{x}" y="{y}"{anchor}>{text}</text>"#);
    }

    /// Opens a group whose title shows on hover; close with [`Canvas::end_group`].
    pub(crate) fn group(&mut self, title: &str) {
        self.body += &format!("<g><title>{}</title>", escape(title));
    }

    pub(crate) fn end_group(&mut self) {
        self.body += "</g>";
    }

    /// The whole picture with its name and description for assistive technology.
    pub(crate) fn finish(self, id: &str, title: &str, alternative: &str) -> String {
        let Self { width, height, body } = self;
        let hatch = if body.contains("-hatch)") {
            format!(
                r#"<defs><pattern id="{id}-hatch" patternUnits="userSpaceOnUse" width="6" height="6" patternTransform="rotate(45)"><rect class="hatch-ground" width="6" height="6"/><line class="hatch-line" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>"#
            )
        } else {
            String::new()
        };
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 {} {}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>{hatch}{body}</svg>"#,
            short(width),
            short(height),
            escape(title),
            escape(alternative),
        )
    }
}

/// Escapes text for XML; characters that XML cannot hold become the replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate with at most two decimals.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Estimated width of a text in pixels, a little wide, since the font of the reader is unknown.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 =
        text.chars()
            .map(|c| match c {
                'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | '['
                | ']' => 0.32,
                ' ' | 'f' | 't' | 'r' | '-' => 0.37,
                'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.86,
                'A'..='Z' | '0'..='9' => 0.63,
                c if c.is_ascii() => 0.555,
                '\u{80}'..='\u{2fff}' => 0.66,
                _ => 1.05,
            })
            .sum();
    ems * size
}

/// The text, cut with an ellipsis if it is wider than `width`.
pub(crate) fn fit(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = text_width("…", size);
    for c in text.chars() {
        used += text_width(c.encode_utf8(&mut [0; 4]), size);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out + "…"
}
