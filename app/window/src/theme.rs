//! Every colour, size and duration of the window, light and dark. No other file names one.
//!
//! What is deliberately absent: anything that draws. How widgets look is in `widgets`.
#![expect(clippy::disallowed_methods, reason = "this is where colours are named")]

use std::sync::Arc;

use egui::style::ScrollStyle;
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke, Style, TextStyle,
    Theme, Ui, Vec2, Visuals, vec2,
};

/// The colours of one theme, and what each means. The last ones are derived from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub background: Color32,
    /// Cards and side panels.
    pub panel: Color32,
    pub canvas: Color32,
    /// Land, selected row, pill.
    pub soft: Color32,
    pub line: Color32,
    pub text: Color32,
    /// What is read second; strong enough to be legible on the canvas too.
    pub dim: Color32,
    /// The primary; what destroys; "now".
    pub tomato: Color32,
    /// In step, committed, fine.
    pub basil: Color32,
    /// Under way: in flight, joining, waiting.
    pub saffron: Color32,
    pub sea: Color32,
    pub plum: Color32,
    /// Tomato, for words and behind words.
    pub tomato_text: Color32,
    pub basil_text: Color32,
    pub saffron_text: Color32,
    /// A pale tomato behind words.
    pub tomato_wash: Color32,
    /// A pale basil behind words.
    pub basil_wash: Color32,
    /// A pale saffron behind words.
    pub saffron_wash: Color32,
    /// Words on tomato_text, sea and plum.
    pub on_strong: Color32,
    /// Words on saffron and on a dim disc.
    pub on_saffron: Color32,
}

pub(crate) const LIGHT: Tokens = Tokens {
    background: Color32::from_rgb(0xFA, 0xF8, 0xF5),
    panel: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    canvas: Color32::from_rgb(0xF4, 0xF0, 0xEA),
    soft: Color32::from_rgb(0xEF, 0xE8, 0xDF),
    line: Color32::from_rgb(0xE4, 0xDE, 0xD6),
    text: Color32::from_rgb(0x2B, 0x26, 0x22),
    dim: Color32::from_rgb(0x6B, 0x62, 0x59),
    tomato: Color32::from_rgb(0xD9, 0x48, 0x2B),
    basil: Color32::from_rgb(0x2F, 0x7D, 0x4F),
    saffron: Color32::from_rgb(0xC9, 0x8A, 0x12),
    sea: Color32::from_rgb(0x1F, 0x6F, 0x8B),
    plum: Color32::from_rgb(0x5B, 0x4A, 0x8A),
    tomato_text: Color32::from_rgb(0xB9, 0x38, 0x1E),
    basil_text: Color32::from_rgb(0x25, 0x68, 0x41),
    saffron_text: Color32::from_rgb(0x80, 0x56, 0x06),
    tomato_wash: Color32::from_rgb(0xFB, 0xEA, 0xE6),
    basil_wash: Color32::from_rgb(0xE3, 0xEF, 0xE7),
    saffron_wash: Color32::from_rgb(0xFA, 0xF0, 0xDC),
    on_strong: Color32::WHITE,
    on_saffron: Color32::from_rgb(0x2B, 0x26, 0x22),
};

pub(crate) const DARK: Tokens = Tokens {
    background: Color32::from_rgb(0x1B, 0x1A, 0x1D),
    panel: Color32::from_rgb(0x23, 0x22, 0x26),
    canvas: Color32::from_rgb(0x17, 0x16, 0x1A),
    soft: Color32::from_rgb(0x2E, 0x2C, 0x32),
    line: Color32::from_rgb(0x38, 0x36, 0x3D),
    text: Color32::from_rgb(0xF0, 0xEC, 0xE6),
    dim: Color32::from_rgb(0xA3, 0x9C, 0x94),
    tomato: Color32::from_rgb(0xF2, 0x6B, 0x4E),
    basil: Color32::from_rgb(0x58, 0xB9, 0x82),
    saffron: Color32::from_rgb(0xF0, 0xB5, 0x43),
    sea: Color32::from_rgb(0x5D, 0xB4, 0xD1),
    plum: Color32::from_rgb(0xA4, 0x93, 0xE0),
    tomato_text: Color32::from_rgb(0xF2, 0x7C, 0x62),
    basil_text: Color32::from_rgb(0x58, 0xB9, 0x82),
    saffron_text: Color32::from_rgb(0xF0, 0xB5, 0x43),
    tomato_wash: Color32::from_rgb(0x3D, 0x29, 0x27),
    basil_wash: Color32::from_rgb(0x22, 0x33, 0x2B),
    saffron_wash: Color32::from_rgb(0x3A, 0x32, 0x24),
    on_strong: Color32::from_rgb(0x1B, 0x1A, 0x1D),
    on_saffron: Color32::from_rgb(0x1B, 0x1A, 0x1D),
};

/// The colours of the theme that is shown.
pub fn tokens(ui: &Ui) -> &'static Tokens {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

pub fn tokens_of(theme: Theme) -> &'static Tokens {
    match theme {
        Theme::Dark => &DARK,
        Theme::Light => &LIGHT,
    }
}

/// Text sizes, in points.
pub mod text {
    /// Second lines, numbers on lines.
    pub const SMALL: f32 = 11.5;
    /// What panels are written in.
    pub(crate) const BODY: f32 = 12.5;
    /// Names of nodes.
    pub(crate) const LARGE: f32 = 14.0;
    /// The brand.
    pub(crate) const TITLE: f32 = 17.0;
}

/// Lengths, in points; distances are multiples of 4.
pub mod size {
    use egui::Vec2;

    pub const HAIRLINE: f32 = 1.0;
    /// Outlines of what is alive.
    pub const OUTLINE: f32 = 1.75;
    /// Outlines of what is selected, and ways that glow.
    pub(crate) const STRONG: f32 = 2.5;
    /// Corners of buttons and rows.
    pub(crate) const CORNER: u8 = 8;
    /// Corners of cards.
    pub(crate) const BIG_CORNER: u8 = 12;
    /// The unit of distances.
    pub(crate) const STEP: f32 = 4.0;
    /// Height of buttons, rows and fields.
    pub(crate) const ROW: f32 = 28.0;
    pub(crate) const TOOLBAR: f32 = 48.0;
    pub const STATUS_BAR: f32 = 28.0;
    /// The left panel.
    pub(crate) const LEFT: f32 = 236.0;
    /// The inspector.
    pub(crate) const RIGHT: f32 = 264.0;
    /// The tabs at the bottom, and the most they take of a window at first.
    pub(crate) const BOTTOM: f32 = 236.0;
    /// See [`BOTTOM`].
    pub(crate) const BOTTOM_SHARE: f32 = 0.29;
    /// The narrator's strip, about; in a narrow window its sentences take more lines.
    pub const NARRATOR: f32 = 56.0;
    /// On a canvas of this width its sentences take one line each.
    pub const ROOM_FOR_LONG_LINES: f32 = 660.0;
    /// A presentation in a window of this height, in its own larger points, keeps the tabs at the bottom.
    pub(crate) const TIMELINE_PRESENTED: f32 = 640.0;
    /// A node of the cluster.
    pub const NODE: Vec2 = Vec2::new(190.0, 56.0);
    /// A node of the cluster on a large canvas.
    pub(crate) const LARGE_NODE: Vec2 = Vec2::new(216.0, 64.0);
    /// A node of the cluster where there are many.
    pub(crate) const SMALL_NODE: Vec2 = Vec2::new(116.0, 40.0);
    /// A customer's card at its widest.
    pub(crate) const CARD: Vec2 = Vec2::new(188.0, 38.0);
    /// A customer's dot.
    pub const CUSTOMER: f32 = 8.0;
    /// Radius of a number on a line, and of a numbered message.
    pub const NUMBER: f32 = 9.0;
    /// Radius of a message without a number.
    pub(crate) const QUIET_DOT: f32 = 4.0;
    /// A dash, and a gap.
    pub(crate) const DASH: f32 = 4.0;
    /// A lane of the timeline, at its highest and at its lowest.
    pub(crate) const LANE: (f32, f32) = (22.0, 12.5);
    /// Above the lanes: the moment that is shown, and what concerns all.
    pub(crate) const RULER: f32 = 20.0;
    /// How wide the line "now" is to a pointer that drags it.
    pub(crate) const GRIP: f32 = 8.0;
    /// Room for what is on its way when the latest moment is at the right.
    pub const RIGHT_OF_NOW: f32 = 64.0;
    /// The names of the lanes.
    pub(crate) const LANE_NAME: f32 = 112.0;
    /// The part of the canvas that is the map's.
    pub(crate) const MAP_SHARE: f32 = 0.35;
    /// The presentation's zoom.
    pub(crate) const PRESENTATION: f32 = 1.5;
    /// In less room than this, everything is drawn smaller.
    pub const USABLE: Vec2 = Vec2::new(760.0, 480.0);
    /// The same in a presentation, which has no side panels.
    pub const USABLE_PRESENTED: Vec2 = Vec2::new(600.0, 400.0);
    /// In a narrower window one side panel serves for ordering and inspecting.
    pub const ROOM_FOR_TWO_PANELS: f32 = 1000.0;
}

pub mod time {
    /// A message without delay leaves a glow on its way for so long, in microseconds of cluster time.
    pub(crate) const GLOW: u64 = 900_000;
    /// The timeline shows so much of the past, in microseconds of cluster time.
    pub(crate) const TIMELINE: u64 = 12_000_000;
    /// A notification stays for so long, in seconds.
    pub(crate) const NOTICE: f64 = 8.0;
    /// Between two frames while something moves, in seconds; and where frames are dear: without a graphics card a small scene takes
    /// 15 ms to paint, and one with 200 phones no more than 33 ms, so that thirty frames a second are possible.
    pub(crate) const FRAME: (f32, f32) = (1.0 / 60.0, 1.0 / 30.0);
    /// A frame that takes longer, in seconds, is dear.
    pub(crate) const DEAR_FRAME: f32 = 0.02;
    /// Between two frames while time goes on to a moment that was asked for, in seconds.
    pub(crate) const ARC_FRAME: f32 = 0.25;
    /// Where frames are dear, facts are gathered for so long before they are drawn, in seconds.
    pub(crate) const GATHER: f32 = 0.15;
    /// Frames that only show timers running down take at most this part of a core.
    pub(crate) const IDLE_SHARE: f32 = 0.02;
    /// Between two looks at a running scenario, in seconds.
    pub(crate) const SCENARIO_FRAME: f32 = 0.05;
    /// Until it is looked again whether what a phone asked for is under way, in seconds.
    pub(crate) const PHONES: f32 = 1.0;
    /// Until the cluster is asked again how it stands with other machines, in seconds.
    pub(crate) const MACHINES: f32 = 1.0;
    /// A heartbeat's pulse on a line lasts so long, in microseconds before a person's eyes.
    pub(crate) const PULSE: u64 = 350_000;
}

/// Semi-bold letters of a size.
pub(crate) fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// Letters of a size.
pub fn plain(size: f32) -> FontId {
    FontId::proportional(size)
}

/// Addresses, ids, logs.
pub(crate) fn mono() -> FontId {
    FontId::monospace(text::SMALL)
}

const STRONG: &str = "strong";

/// Gives a context the window's letters and both of its themes.
pub fn install(context: &Context) {
    context.set_fonts(fonts());
    // Sizes are bounded by the window, and remembered as what was chosen (`panels::zoom`).
    context.options_mut(|options| options.zoom_with_keyboard = false);
    for theme in [Theme::Light, Theme::Dark] {
        context.set_style_of(theme, style(tokens_of(theme), theme));
    }
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8], family: FontFamily| {
        fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(bytes)));
        let fallbacks = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
        let chain = fonts.families.entry(family).or_insert(fallbacks);
        chain.insert(0, name.into());
    };
    add(STRONG, include_bytes!("../../../resources/fonts/Inter-SemiBold.ttf"), FontFamily::Name(STRONG.into()));
    add("plain", include_bytes!("../../../resources/fonts/Inter-Regular.ttf"), FontFamily::Proportional);
    // Signs such as the tick, which the fixed-width letters lack.
    fonts.families.entry(FontFamily::Monospace).or_default().push("plain".into());
    fonts
}

fn style(tokens: &Tokens, theme: Theme) -> Style {
    let mut style = Style { visuals: visuals(tokens, theme), animation_time: 0.0, ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, plain(text::SMALL)),
        (TextStyle::Body, plain(text::BODY)),
        (TextStyle::Button, plain(text::BODY)),
        (TextStyle::Heading, strong(text::LARGE)),
        (TextStyle::Monospace, mono()),
    ]
    .into();
    style.spacing.item_spacing = vec2(8.0, 4.0);
    style.spacing.button_padding = vec2(12.0, 4.0);
    style.spacing.interact_size = vec2(28.0, size::ROW);
    style.spacing.window_margin = Margin::same(16);
    style.spacing.menu_margin = Margin::same(8);
    style.spacing.tooltip_width = 320.0;
    // A bar that is always in sight where there is more: what is shown alone looks like all there is.
    style.spacing.scroll = ScrollStyle::solid();
    style.interaction.tooltip_delay = 0.3;
    style
}

fn visuals(tokens: &Tokens, theme: Theme) -> Visuals {
    let mut visuals = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    let corner = CornerRadius::same(size::CORNER);
    for (widget, fill, outline) in [
        (&mut visuals.widgets.noninteractive, tokens.panel, tokens.line),
        (&mut visuals.widgets.inactive, tokens.panel, tokens.line),
        (&mut visuals.widgets.hovered, tokens.soft, tokens.dim),
        (&mut visuals.widgets.active, tokens.soft, tokens.text),
        (&mut visuals.widgets.open, tokens.soft, tokens.dim),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(size::HAIRLINE, outline);
        widget.fg_stroke = Stroke::new(size::HAIRLINE, tokens.text);
        widget.corner_radius = corner;
        widget.expansion = 0.0;
    }
    // Rails of sliders and the ground of boxes to tick; on a panel's own colour they could not be seen.
    visuals.widgets.inactive.bg_fill = tokens.soft;
    visuals.weak_text_color = Some(tokens.dim);
    visuals.selection.bg_fill = tokens.saffron_wash;
    visuals.selection.stroke = Stroke::new(size::OUTLINE, tokens.sea);
    visuals.hyperlink_color = tokens.sea;
    visuals.faint_bg_color = tokens.background;
    visuals.extreme_bg_color = tokens.panel;
    visuals.text_edit_bg_color = Some(tokens.panel);
    visuals.code_bg_color = tokens.soft;
    visuals.warn_fg_color = tokens.saffron_text;
    visuals.error_fg_color = tokens.tomato_text;
    visuals.window_corner_radius = CornerRadius::same(size::BIG_CORNER);
    visuals.menu_corner_radius = corner;
    visuals.window_fill = tokens.panel;
    visuals.window_stroke = Stroke::new(size::HAIRLINE, tokens.line);
    visuals.window_shadow = egui::Shadow::NONE;
    visuals.popup_shadow = egui::Shadow::NONE;
    visuals.panel_fill = tokens.panel;
    visuals.striped = false;
    // A blinking cursor would repaint a window in which nothing moves.
    visuals.text_cursor.blink = false;
    visuals.text_options.font_hinting = false;
    visuals
}

/// White over this share (0 to 1) of a pixel, for pictures that are tinted when they are painted.
pub(crate) fn covered(share: f32) -> Color32 {
    Color32::from_white_alpha((share.clamp(0.0, 1.0) * 255.0).round() as u8)
}

/// A colour that lets so much (0 to 1) of what is under it through.
pub(crate) fn faded(colour: Color32, strength: f32) -> Color32 {
    colour.gamma_multiply(strength)
}

/// A colour between two.
pub fn between(one: Color32, other: Color32, share: f32) -> Color32 {
    one.lerp_to_gamma(other, share)
}

/// The size of the window when it first opens.
pub const WINDOW: Vec2 = Vec2::new(1360.0, 860.0);
/// The smallest window: everything is drawn smaller in it, and can still be read.
pub(crate) const SMALLEST_WINDOW: Vec2 = Vec2::new(480.0, 320.0);

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast by the Web Content Accessibility Guidelines.
    fn contrast(one: Color32, other: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let linear = egui::Rgba::from(colour);
            0.2126 * linear.r() + 0.7152 * linear.g() + 0.0722 * linear.b()
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn all_words_can_be_read() {
        for t in [LIGHT, DARK] {
            let grounds = [t.background, t.panel, t.canvas, t.soft];
            let mut pairs: Vec<(Color32, Color32)> = Vec::new();
            for ground in grounds {
                let words = [t.text, t.dim, t.tomato_text, t.basil_text, t.saffron_text];
                pairs.extend(words.map(|word| (word, ground)));
            }
            pairs.extend([(t.tomato_text, t.tomato_wash), (t.basil_text, t.basil_wash), (t.text, t.tomato_wash)]);
            pairs.extend([(t.saffron_text, t.saffron_wash), (t.text, t.basil_wash), (t.dim, t.tomato_wash)]);
            pairs.extend([t.tomato_text, t.basil_text, t.sea, t.plum].map(|fill| (t.on_strong, fill)));
            pairs.extend([(t.on_saffron, t.saffron), (t.background, t.text)]);
            for (word, ground) in pairs {
                let found = contrast(word, ground);
                assert!(found >= 4.5, "{word:?} on {ground:?} has a contrast of {found:.2}");
            }
        }
    }

    /// Letters that no built-in font has are looked for among those of the system, in each kind of letters.
    #[test]
    fn every_family_has_our_signs_and_asks_the_system_for_other_letters() {
        use std::sync::Mutex;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let context = Context::default();
        install(&context);
        let heard = asked.clone();
        let system = move |request: &egui::epaint::text::FallbackRequest<'_>| {
            heard.lock().unwrap().push(request.family.clone());
            None
        };
        context.add_font_provider(Arc::new(system));
        let families = [plain(text::BODY), strong(text::BODY), mono()];
        let draw = |ui: &mut Ui| {
            for font in &families {
                let has = ui.fonts_mut(|fonts| fonts.has_glyphs(font, "✓✗◀▶…“”→·×≤ Łódź"));
                assert!(has, "{font:?}");
                ui.label(egui::RichText::new("日").font(font.clone()));
            }
        };
        context.run_ui(egui::RawInput::default(), draw).textures_delta.clear();
        let asked = asked.lock().unwrap();
        assert!(families.iter().all(|font| asked.contains(&font.family)), "{asked:?}");
    }

    #[test]
    fn shapes_can_be_seen() {
        for t in [LIGHT, DARK] {
            for shape in [t.tomato, t.basil, t.sea, t.plum, t.dim] {
                assert!(contrast(shape, t.canvas) >= 3.0, "{shape:?}");
            }
        }
    }
}
