//! A link or a code as a picture that a phone's camera reads. What it is for is not known here.

use std::sync::Arc;

use egui::{Color32, Id, Mesh, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo};
use qrcode::{EcLevel, QrCode};

use crate::theme::LIGHT;

/// The quiet zone around it, in squares: cameras need it.
const QUIET: usize = 4;

/// Paints `text`, at most `side` points wide: dark on light in both themes, as cameras expect it. None: it is too long for a picture.
pub fn qr_ui(ui: &mut Ui, text: &str, name: &str, side: f32) -> Option<Response> {
    let squares = squares_of(ui, text)?;
    let width = squares.width + 2 * QUIET;
    // Whole pixels: a square that is blurred at its edge is read less well.
    let pixels = ui.pixels_per_point();
    let square = (side * pixels / width as f32).floor().max(1.0) / pixels;
    let (room, response) = ui.allocate_exact_size(Vec2::splat(square * width as f32), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    if ui.is_rect_visible(room) {
        let origin = (room.min.to_vec2() * pixels).round() / pixels;
        let mut mesh = Mesh::default();
        let mut paint = |x: usize, y: usize, size: usize, ink: Color32| {
            let at = origin + Vec2::new(x as f32, y as f32) * square;
            mesh.add_colored_rect(Rect::from_min_size(at.to_pos2(), Vec2::splat(square * size as f32)), ink);
        };
        paint(0, 0, width, LIGHT.panel);
        for (at, _) in squares.dark.iter().enumerate().filter(|(_, dark)| **dark) {
            paint(QUIET + at % squares.width, QUIET + at / squares.width, 1, LIGHT.text);
        }
        ui.painter().add(mesh);
    }
    Some(response)
}

/// Row after row, whether each square is dark.
#[derive(Debug)]
struct Squares {
    width: usize,
    dark: Vec<bool>,
}

/// Computed once for each text.
fn squares_of(ui: &Ui, text: &str) -> Option<Arc<Squares>> {
    let id = Id::unique(("squares of", text));
    if let Some(known) = ui.data(|data| data.get_temp::<Arc<Squares>>(id)) {
        return Some(known);
    }
    let squares = Arc::new(squares(text)?);
    ui.data_mut(|data| data.insert_temp(id, squares.clone()));
    Some(squares)
}

fn squares(text: &str) -> Option<Squares> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let dark = code.to_colors().into_iter().map(|colour| colour == qrcode::Color::Dark).collect();
    Some(Squares { width: code.width(), dark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_the_three_corners_that_a_camera_looks_for() {
        let link = format!("http://192.168.178.123:54321/{}/", "0123456789abcdef".repeat(2));
        let Squares { width, dark } = squares(&link).unwrap();
        assert!(width <= 45, "{width}: large enough squares for the back row");
        let corner = |x: usize, y: usize| {
            let ring = |at: usize| at == 0 || at == 6;
            (0..7).all(|dy| {
                (0..7).all(|dx| {
                    let wanted = ring(dx) || ring(dy) || ((2..5).contains(&dx) && (2..5).contains(&dy));
                    dark[(y + dy) * width + x + dx] == wanted
                })
            })
        };
        assert!(corner(0, 0) && corner(width - 7, 0) && corner(0, width - 7) && !corner(width - 7, width - 7));
        assert!(squares(&"x".repeat(5000)).is_none(), "what is too long is refused");
    }
}
