//! Paints egui's meshes on the processor, without a graphics driver: the same bytes on each run, so that pictures can be
//! compared in tests. It is a crate of its own only so that it can be optimised in test builds.
//!
//! Deliberately absent: paint callbacks (the window has none), textures that repeat, and speed beyond what a test needs.

mod triangle;

use std::collections::HashMap;

use egui::epaint::{ClippedPrimitive, ImageData, ImageDelta, Primitive, TextureId};
use egui::{Color32, ColorImage, Context, FullOutput, RawInput, Rect, TexturesDelta, Ui};
use image::RgbaImage;

/// Holds egui's textures (its font atlas) between pictures.
#[derive(Default)]
pub struct Rasteriser {
    textures: HashMap<TextureId, ColorImage>,
}

impl Rasteriser {
    /// Takes over new and changed textures; must see every pass, or glyphs will be missing.
    pub fn update(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                self.change(id, &change);
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn change(&mut self, id: TextureId, change: &ImageDelta) {
        let ImageData::Color(patch) = &change.image;
        let Some([left, top]) = change.pos else {
            self.textures.insert(id, (**patch).clone());
            return;
        };
        let Some(whole) = self.textures.get_mut(&id) else { return };
        let width = whole.size[0];
        for (row, line) in patch.pixels.chunks_exact(patch.size[0]).enumerate() {
            let start = (top + row) * width + left;
            whole.pixels[start..start + line.len()].copy_from_slice(line);
        }
    }

    /// Paints what a pass of egui put out on an opaque background. `size` is in points.
    #[must_use]
    pub fn paint(&self, context: &Context, output: &FullOutput, size: egui::Vec2, background: Color32) -> RgbaImage {
        let scale = output.pixels_per_point;
        let primitives = context.tessellate(output.shapes.clone(), scale);
        self.paint_primitives(&primitives, size, scale, background)
    }

    /// Paints tessellated shapes; `scale` is pixels per point.
    #[must_use]
    pub fn paint_primitives(
        &self,
        primitives: &[ClippedPrimitive],
        size: egui::Vec2,
        scale: f32,
        background: Color32,
    ) -> RgbaImage {
        let (width, height) = ((size.x * scale).round() as usize, (size.y * scale).round() as usize);
        let mut canvas = ColorImage::filled([width, height], background);
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let Primitive::Mesh(mesh) = primitive else { continue };
            let Some(texture) = self.textures.get(&mesh.texture_id) else { continue };
            let clip = triangle::Clip::new(*clip_rect, scale, width, height);
            for corners in mesh.triangles() {
                let corners = corners.map(|index| mesh.vertices[index as usize]);
                triangle::fill(&mut canvas, texture, &clip, corners, scale);
            }
        }
        let bytes = canvas.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b(), 255]).collect();
        RgbaImage::from_raw(width as u32, height as u32, bytes).unwrap_or_default()
    }
}

/// Shows `ui` for a few passes, until nothing is laid out anew, and paints the last one. `size` is in points.
pub fn portrait(
    context: &Context,
    size: egui::Vec2,
    scale: f32,
    background: Color32,
    mut ui: impl FnMut(&mut Ui),
) -> RgbaImage {
    let mut rasteriser = Rasteriser::default();
    let mut picture = RgbaImage::default();
    for pass in 0..PASSES {
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, size)),
            time: Some(f64::from(pass)),
            ..RawInput::default()
        };
        input.viewports.entry(egui::ViewportId::ROOT).or_default().native_pixels_per_point = Some(scale);
        let mut output = context.run_ui(input, &mut ui);
        rasteriser.update(&mut output.textures_delta);
        if pass + 1 == PASSES {
            picture = rasteriser.paint(context, &output, size, background);
        }
    }
    picture
}

/// Panels need two passes to know their sizes, popups one more.
const PASSES: u32 = 4;
