//! One triangle: which pixels it covers, and what colour they get.
//!
//! Corners are rounded to 1/256 pixel and covered pixels follow from integers (with the top-left rule, so that
//! neighbours neither overlap nor leave a gap): the result does not depend on how a processor rounds.

use egui::epaint::Vertex;
use egui::{Color32, ColorImage, Rect};

/// Parts of a pixel.
const PARTS: i64 = 256;

/// The pixels that may be painted: columns and rows, each from inclusive to exclusive.
pub(crate) struct Clip {
    left: i64,
    right: i64,
    top: i64,
    bottom: i64,
}

impl Clip {
    /// A clip rectangle in points, within a canvas of this many pixels.
    pub(crate) fn new(rect: Rect, scale: f32, width: usize, height: usize) -> Self {
        let pixel = |value: f32, most: usize| ((value * scale).round() as i64).clamp(0, most as i64);
        Self {
            left: pixel(rect.min.x, width),
            right: pixel(rect.max.x, width),
            top: pixel(rect.min.y, height),
            bottom: pixel(rect.max.y, height),
        }
    }
}

/// An edge as a function of the pixel centre: not negative on the inside. `a * x + b * y + c` in whole pixels.
struct Edge {
    a: i64,
    b: i64,
    c: i64,
}

impl Edge {
    fn between(from: (i64, i64), to: (i64, i64)) -> Self {
        let (a, b) = (from.1 - to.1, to.0 - from.0);
        // At the centre of pixel (x, y), that is at (x + 1/2, y + 1/2) in parts.
        let c = a * (PARTS / 2 - from.0) + b * (PARTS / 2 - from.1);
        let top_left = a > 0 || (a == 0 && b > 0);
        Self { a: a * PARTS, b: b * PARTS, c: if top_left { c } else { c - 1 } }
    }

    /// Narrows a row's pixels to those on the inside.
    fn narrow(&self, y: i64, (first, last): (i64, i64)) -> (i64, i64) {
        let rest = self.b * y + self.c;
        match self.a {
            0 if rest >= 0 => (first, last),
            0 => (0, 0),
            a if a > 0 => (first.max(-rest.div_euclid(a)), last),
            a => (first, last.min(rest.div_euclid(-a) + 1)),
        }
    }
}

/// A value that changes evenly over the triangle.
struct Plane {
    across: f32,
    down: f32,
    start: f32,
}

impl Plane {
    fn through(points: &[(f32, f32); 3], values: [f32; 3], twice_area: f32) -> Self {
        let [(x0, y0), (x1, y1), (x2, y2)] = *points;
        let (d1, d2) = (values[1] - values[0], values[2] - values[0]);
        let across = (d1 * (y2 - y0) - d2 * (y1 - y0)) / twice_area;
        let down = (d2 * (x1 - x0) - d1 * (x2 - x0)) / twice_area;
        Self { across, down, start: values[0] - across * x0 - down * y0 }
    }

    fn at(&self, x: i64, y: i64) -> f32 {
        self.start + self.across * (x as f32 + 0.5) + self.down * (y as f32 + 0.5)
    }
}

/// Paints a triangle over what is there.
pub(crate) fn fill(canvas: &mut ColorImage, texture: &ColorImage, clip: &Clip, mut corners: [Vertex; 3], scale: f32) {
    let fixed =
        |v: &Vertex| ((v.pos.x * scale * PARTS as f32).round() as i64, (v.pos.y * scale * PARTS as f32).round() as i64);
    let mut at = [fixed(&corners[0]), fixed(&corners[1]), fixed(&corners[2])];
    let area =
        |at: &[(i64, i64); 3]| (at[1].0 - at[0].0) * (at[2].1 - at[0].1) - (at[2].0 - at[0].0) * (at[1].1 - at[0].1);
    match area(&at) {
        0 => return,
        negative if negative < 0 => {
            at.swap(1, 2);
            corners.swap(1, 2);
        }
        _ => {}
    }
    let edges = [Edge::between(at[0], at[1]), Edge::between(at[1], at[2]), Edge::between(at[2], at[0])];
    let rows = at.map(|point| point.1.div_euclid(PARTS));
    let (top, bottom) = (rows[0].min(rows[1]).min(rows[2]), rows[0].max(rows[1]).max(rows[2]) + 1);
    let shade = Shade::of(&corners, &at, texture, area(&at));
    let width = canvas.size[0];
    for y in top.max(clip.top)..bottom.min(clip.bottom) {
        let (first, last) = edges.iter().fold((clip.left, clip.right), |span, edge| edge.narrow(y, span));
        if first >= last {
            continue;
        }
        let row = &mut canvas.pixels[y as usize * width..][first as usize..last as usize];
        for (pixel, x) in row.iter_mut().zip(first..) {
            *pixel = over(shade.at(x, y, texture), *pixel);
        }
    }
}

/// The colour of each pixel of a triangle.
enum Shade {
    Even(Color32),
    Varying { colour: [Plane; 4], texel: Option<[Plane; 2]>, tint: Color32 },
}

impl Shade {
    fn of(corners: &[Vertex; 3], at: &[(i64, i64); 3], texture: &ColorImage, area: i64) -> Self {
        let [first, others @ ..] = corners;
        let same_colour = others.iter().all(|corner| corner.color == first.color);
        let same_texel = others.iter().all(|corner| corner.uv == first.uv);
        let size = texture.size.map(|length| length as f32);
        let tint = sample(texture, first.uv.x * size[0] - 0.5, first.uv.y * size[1] - 0.5);
        if same_colour && same_texel {
            return Shade::Even(multiply(tint, first.color));
        }
        let points = at.map(|(x, y)| (x as f32 / PARTS as f32, y as f32 / PARTS as f32));
        let twice_area = area as f32 / (PARTS * PARTS) as f32;
        let plane = |value: &dyn Fn(&Vertex) -> f32| {
            Plane::through(&points, [value(first), value(&others[0]), value(&others[1])], twice_area)
        };
        let colour = std::array::from_fn(|channel| plane(&|corner| f32::from(corner.color.to_array()[channel])));
        let texel = (!same_texel)
            .then(|| [plane(&|corner| corner.uv.x * size[0] - 0.5), plane(&|corner| corner.uv.y * size[1] - 0.5)]);
        Shade::Varying { colour, texel, tint }
    }

    fn at(&self, x: i64, y: i64, texture: &ColorImage) -> Color32 {
        match self {
            Shade::Even(colour) => *colour,
            Shade::Varying { colour, texel, tint } => {
                let [r, g, b, a] = colour.each_ref().map(|plane| plane.at(x, y).round().clamp(0.0, 255.0) as u8);
                let tint = texel.as_ref().map_or(*tint, |[u, v]| sample(texture, u.at(x, y), v.at(x, y)));
                multiply(tint, Color32::from_rgba_premultiplied(r, g, b, a))
            }
        }
    }
}

/// Bilinear, with the edge's texels repeated.
fn sample(texture: &ColorImage, u: f32, v: f32) -> Color32 {
    let [width, height] = texture.size;
    let (left, top) = (u.floor(), v.floor());
    let (part_x, part_y) = (u - left, v - top);
    let texel = |x: f32, y: f32| {
        let x = (x.max(0.0) as usize).min(width - 1);
        let y = (y.max(0.0) as usize).min(height - 1);
        texture.pixels[y * width + x]
    };
    if part_x == 0.0 && part_y == 0.0 {
        return texel(left, top);
    }
    let weighed = [
        (texel(left, top), (1.0 - part_x) * (1.0 - part_y)),
        (texel(left + 1.0, top), part_x * (1.0 - part_y)),
        (texel(left, top + 1.0), (1.0 - part_x) * part_y),
        (texel(left + 1.0, top + 1.0), part_x * part_y),
    ];
    let channel = |get: fn(&Color32) -> u8| {
        weighed.iter().map(|(colour, weight)| f32::from(get(colour)) * weight).sum::<f32>().round() as u8
    };
    Color32::from_rgba_premultiplied(channel(Color32::r), channel(Color32::g), channel(Color32::b), channel(Color32::a))
}

/// Texture times vertex colour, as egui's own painters do it: in gamma space.
fn multiply(texel: Color32, colour: Color32) -> Color32 {
    if texel == Color32::WHITE {
        return colour;
    }
    let product = |a: u8, b: u8| ((u32::from(a) * u32::from(b) + 127) / 255) as u8;
    let (t, c) = (texel.to_array(), colour.to_array());
    Color32::from_rgba_premultiplied(product(t[0], c[0]), product(t[1], c[1]), product(t[2], c[2]), product(t[3], c[3]))
}

/// Premultiplied "over" in gamma space.
fn over(top: Color32, under: Color32) -> Color32 {
    match top.a() {
        255 => top,
        0 if top == Color32::TRANSPARENT => under,
        alpha => {
            let rest = u32::from(255 - alpha);
            let mix = |t: u8, u: u8| (u32::from(t) + (u32::from(u) * rest + 127) / 255).min(255) as u8;
            Color32::from_rgba_premultiplied(
                mix(top.r(), under.r()),
                mix(top.g(), under.g()),
                mix(top.b(), under.b()),
                mix(top.a(), under.a()),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Pos2, pos2};

    fn corner(pos: Pos2, color: Color32) -> Vertex {
        Vertex { pos, uv: Pos2::ZERO, color }
    }

    fn blank() -> (ColorImage, ColorImage, Clip) {
        let canvas = ColorImage::filled([8, 8], Color32::BLACK);
        let everything = Rect::from_min_max(Pos2::ZERO, pos2(8.0, 8.0));
        (canvas, ColorImage::filled([1, 1], Color32::WHITE), Clip::new(everything, 1.0, 8, 8))
    }

    #[test]
    fn two_triangles_of_a_square_cover_each_pixel_once() {
        let (mut canvas, white, clip) = blank();
        let veil = Color32::from_rgba_premultiplied(100, 0, 0, 100);
        let points = [pos2(1.0, 1.0), pos2(6.0, 1.0), pos2(6.0, 6.0), pos2(1.0, 6.0)].map(|at| corner(at, veil));
        fill(&mut canvas, &white, &clip, [points[0], points[1], points[2]], 1.0);
        fill(&mut canvas, &white, &clip, [points[0], points[2], points[3]], 1.0);
        let painted = canvas.pixels.iter().filter(|pixel| pixel.r() == 100).count();
        assert_eq!(painted, 25, "a pixel on the shared edge was painted twice or not at all");
        assert!(canvas.pixels.iter().all(|pixel| matches!(pixel.r(), 0 | 100)));
    }

    #[test]
    fn corners_may_turn_either_way_and_lie_outside() {
        let (mut canvas, white, clip) = blank();
        let far = [pos2(-90.0, -90.0), pos2(-90.0, 200.0), pos2(200.0, -90.0)];
        fill(&mut canvas, &white, &clip, far.map(|at| corner(at, Color32::RED)), 1.0);
        assert!(canvas.pixels.iter().all(|pixel| *pixel == Color32::RED));
    }

    #[test]
    fn colours_change_evenly() {
        let (mut canvas, white, clip) = blank();
        let corners = [
            corner(pos2(0.0, 0.0), Color32::BLACK),
            corner(pos2(16.0, 0.0), Color32::WHITE),
            corner(pos2(0.0, 16.0), Color32::BLACK),
        ];
        fill(&mut canvas, &white, &clip, corners, 1.0);
        let greys: Vec<u8> = canvas.pixels[..8].iter().map(Color32::r).collect();
        assert_eq!(greys, [8, 24, 40, 56, 72, 88, 104, 120]);
    }
}
