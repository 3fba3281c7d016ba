//! Many discs, each as two triangles with a picture of a disc on them.
//!
//! The painter's own discs of this size have a hundred triangles each, and where there is no graphics card, those of a room full of
//! phones took a seventh of a frame.

use egui::{Color32, ColorImage, Context, Id, Mesh, Pos2, Rect, Shape, TextureHandle, TextureOptions, Vec2};

use crate::theme;

/// Discs that are painted together.
pub(super) struct Discs {
    mesh: Mesh,
    /// Half the picture's side, compared with the radius of the disc on it.
    margin: f32,
}

impl Discs {
    /// None yet. `largest`: their largest radius, in points; the picture is as sharp as this screen shows that.
    pub fn new(context: &Context, largest: f32) -> Self {
        let radius = largest * context.pixels_per_point();
        let id = Id::unique("disc of customers");
        let kept = context.data_mut(|data| data.get_temp::<(f32, TextureHandle)>(id));
        let picture = match kept {
            Some((of, picture)) if of == radius => picture,
            _ => {
                let picture = context.load_texture("disc", picture(radius), TextureOptions::LINEAR);
                context.data_mut(|data| data.insert_temp(id, (radius, picture.clone())));
                picture
            }
        };
        let margin = picture.size()[0] as f32 / 2.0 / radius;
        Self { mesh: Mesh::with_texture(picture.id()), margin }
    }

    /// One more, above the others.
    pub fn add(&mut self, at: Pos2, radius: f32, colour: Color32) {
        let rect = Rect::from_center_size(at, Vec2::splat(2.0 * radius * self.margin));
        self.mesh.add_rect_with_uv(rect, Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0)), colour);
    }

    /// All of them.
    pub fn shape(self) -> Shape {
        Shape::mesh(self.mesh)
    }
}

/// A white disc of this radius in pixels, with nothing around it. A pixel on the edge has as much of it as the disc covers.
fn picture(radius: f32) -> ColorImage {
    let side = 2 * (radius.ceil() as usize + 1);
    let middle = side as f32 / 2.0;
    let pixel = |index: usize| {
        let (x, y) = ((index % side) as f32 + 0.5 - middle, (index / side) as f32 + 0.5 - middle);
        theme::covered(radius - x.hypot(y) + 0.5)
    };
    ColorImage::new([side, side], (0..side * side).map(pixel).collect())
}
