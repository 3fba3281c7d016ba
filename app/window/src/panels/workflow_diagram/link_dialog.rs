//! A small box in which a link's delay, jitter, loss and the like are set, one way or both.

use egui::{Slider, Ui};
use protocol::ids::Span;
use protocol::trace::LinkRule;

use crate::panels::links::{self, Ends};
use crate::panels::pace;
use crate::theme::size;
use crate::widgets::{asking, asks, button, checkbox, choice, closing_button, dialog, dim, heading, main_button};
use knowledge::picture::Picture;
use knowledge::user_command::{CommandQueue, LinkWay};

/// The longest delay that the slider offers, in milliseconds of cluster time.
const LONGEST: u64 = 1000;

/// What is being set, and for which ways.
#[derive(Clone, Debug)]
pub(super) struct LinkDialog {
    ends: Ends,
    ways: Ways,
    rule: LinkRule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ways {
    Both,
    There,
    Back,
}

impl LinkDialog {
    /// Begins with what the link does now.
    pub(super) fn open(picture: &Picture, ends: &Ends) -> Self {
        let (there, back) = links::rules(picture, ends);
        let (ways, rule) = match (there == back, there.is_mended()) {
            (true, _) => (Ways::Both, there),
            (false, false) => (Ways::There, there),
            (false, true) => (Ways::Back, back),
        };
        Self { ends: ends.clone(), ways, rule }
    }

    fn links(&self) -> Vec<LinkWay> {
        let (one, other) = &self.ends;
        match self.ways {
            Ways::Both => links::both(&self.ends).to_vec(),
            Ways::There => vec![links::way(one, other)],
            Ways::Back => vec![links::way(other, one)],
        }
    }
}

/// The whole box, while it is open.
pub(super) fn link_dialog_ui(ui: &Ui, picture: &Picture, open: &mut Option<LinkDialog>, commands: &mut CommandQueue) {
    let Some(now) = open else { return };
    let modal = dialog(ui, "link").show(ui.ctx(), |ui| {
        ui.set_width(380.0);
        let (one, other) = now.ends.clone();
        heading(ui, &format!("Link {one} – {other}"));
        let ways = [
            (Ways::Both, "Both ways".to_owned()),
            (Ways::There, format!("Only → {other}")),
            (Ways::Back, format!("Only → {one}")),
        ];
        if let Some(ways) = choice(ui, "ways", now.ways, &ways) {
            now.ways = ways;
        }
        ui.add_space(8.0);
        sliders(ui, &mut now.rule);
        let speed = picture.steering.rate;
        if speed.is_slow() && now.rule.delay.0 > 0 {
            let seen = wording::duration(pace::hop_in_sight(now.rule.delay.0, speed));
            dim(ui, format!("At {} you see this delay for {seen}.", wording::rate(speed)));
        }
        ui.add_space(8.0);
        let links = now.links();
        let refuses = commands.refuses;
        let set = main_button(ui, "Set", refuses.is_none()).on_disabled_hover_text(refuses.unwrap_or_default());
        asks(ui, &set, commands, links::set(links.clone(), now.rule));
        ui.horizontal(|ui| {
            let mend = asking(ui, refuses, |ui| button(ui, "Mend"));
            asks(ui, &mend, commands, links::set(links, LinkRule::default()));
            closing_button(ui, "Close");
        });
    });
    if modal.should_close() {
        *open = None;
    }
}

fn sliders(ui: &mut Ui, rule: &mut LinkRule) {
    ui.spacing_mut().slider_width = 180.0;
    ui.spacing_mut().interact_size.y = size::ROW;
    for (words, span) in [("Delay", &mut rule.delay), ("Jitter", &mut rule.jitter)] {
        let mut millis = span.0 / 1000;
        let slider = Slider::new(&mut millis, 0..=LONGEST).logarithmic(true).smallest_positive(1.0);
        if ui.add(slider.suffix(" ms").text(words)).changed() {
            *span = Span::millis(millis);
        }
    }
    for (words, share) in [("Loss", &mut rule.loss), ("Doubling", &mut rule.doubling)] {
        let mut percent = f64::from(*share) / 10.0;
        if ui.add(Slider::new(&mut percent, 0.0..=100.0).max_decimals(1).suffix(" %").text(words)).changed() {
            *share = (percent * 10.0).round() as u16;
        }
    }
    checkbox(ui, &mut rule.hold, "Hold messages until you release them");
    checkbox(ui, &mut rule.cut, "Cut: nothing passes, not even heartbeats");
}
