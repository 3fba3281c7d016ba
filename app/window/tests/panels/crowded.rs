//! A room full of phones is drawn with so little that thirty frames a second are possible without a graphics card.

use egui::epaint::Primitive;
use egui::{Shape, vec2};
use protocol::message::Summary;
use window::theme::tokens_of;

use super::super::resize;
use super::painted;
use crate::scene::{self, FRONT_END, NOW, Scene, customer, postcode, replica};
use crate::shown::shown_at;

/// Corners and triangles of one frame: what the graphics card, or without one the processor, has to fill.
fn drawn(customers: u64, orders: u64) -> (usize, usize) {
    let mut harness = shown_at(&room(customers, orders), NOW);
    resize(&mut harness, vec2(1280.0, 800.0));
    let output = harness.output();
    let mut all = (0, 0);
    for primitive in harness.ctx.tessellate(output.shapes.clone(), output.pixels_per_point) {
        if let Primitive::Mesh(mesh) = primitive.primitive {
            all = (all.0 + mesh.vertices.len(), all.1 + mesh.indices.len() / 3);
        }
    }
    all
}

/// Customers, and orders of the last second, each on its whole way.
fn room(customers: u64, orders: u64) -> Scene {
    let mut scene = scene::crowd(3, customers, 0);
    let (primary, backups) = (replica(3), [replica(1), replica(2)]);
    for number in 0..orders {
        let at = NOW - 850_000 + number * 800_000 / orders;
        let node = customer(1 + number * customers / orders).0;
        let of_backups = backups.iter().flat_map(|backup| [(primary, *backup, 5), (*backup, primary, 6)]);
        let ways = [(node, FRONT_END, 9), (FRONT_END, primary, 10)];
        let back = [(primary, FRONT_END, 13), (FRONT_END, node, 14)];
        for (hop, (from, to, step)) in ways.into_iter().chain(of_backups).chain(back).enumerate() {
            let sent = at + 200 * hop as u64;
            scene.message(from, to, step, Summary::Order(postcode("NE1 7RU")), sent, Some(sent + 150));
        }
    }
    scene
}

#[test]
fn two_hundred_customers_that_order_are_drawn_with_few_corners() {
    let (few, _) = drawn(3, 2);
    let (corners, triangles) = drawn(200, 40);
    assert!(corners > few + 200 * 40, "each customer is there, with its line: {corners} corners");
    assert!(corners < 38_000, "{corners} corners; a dot or a line has become dear");
    assert!(triangles < 50_000, "{triangles} triangles; a dot or a line has become dear");
}

/// A frame that begins with the canvas's colour everywhere has no need of it.
#[test]
fn the_canvas_is_not_painted_where_a_frame_begins_with_it() {
    let mut harness = shown_at(&room(3, 2), NOW);
    let canvas = tokens_of(harness.ctx.theme()).canvas;
    let mut largest = || {
        harness.run_steps(2);
        let mut largest = 0.0_f32;
        painted(&harness, |shape, _| {
            if let Shape::Rect(rect) = shape
                && rect.fill == canvas
            {
                largest = largest.max(rect.rect.area());
            }
        });
        let size = harness.ctx.content_rect().area();
        harness.state_mut().diagram.begins_clear = true;
        largest / size
    };
    let (before, after) = (largest(), largest());
    assert!(before > 0.3 && after < 0.1, "{before} and {after} of the window");
}
