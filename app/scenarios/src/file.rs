//! The file as it is written, before limits, names and the fields of each action are checked.

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub title: Spanned<String>,
    pub replicas: Spanned<i64>,
    pub customers: Spanned<i64>,
    pub seconds: Spanned<i64>,
    pub plant: Option<Spanned<String>>,
    pub again_after_ms: Option<Spanned<i64>>,
    pub sessions: Option<Spanned<i64>>,
    #[serde(default)]
    pub step: Vec<FileStep>,
    #[serde(default)]
    pub expect: FileExpectations,
}

/// One step: which fields belong to which action is checked later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileStep {
    pub at_ms: Option<Spanned<i64>>,
    /// Conditions have none.
    #[serde(rename = "do", default = "nothing")]
    pub action: Spanned<String>,
    pub node: Option<Spanned<String>>,
    pub how: Option<Spanned<String>>,
    pub on: Option<Spanned<bool>>,
    pub ms: Option<Spanned<i64>>,
    pub count: Option<Spanned<i64>>,
    pub rate: Option<Spanned<f64>>,
    pub until: Option<Spanned<String>>,
    pub from: Option<Spanned<String>>,
    pub to: Option<Spanned<String>>,
    pub delay_ms: Option<Spanned<i64>>,
    pub jitter_ms: Option<Spanned<i64>>,
    pub loss: Option<Spanned<i64>>,
    pub doubling: Option<Spanned<i64>>,
    pub side: Option<Spanned<Vec<Spanned<String>>>>,
    pub act: Option<Spanned<String>>,
    pub step: Option<Spanned<i64>>,
    pub which: Option<Spanned<String>>,
    pub timer: Option<Spanned<String>>,
    pub of: Option<Spanned<String>>,
    pub at: Option<Spanned<String>>,
    pub blast: Option<Spanned<String>>,
    pub wakes_after_ms: Option<Spanned<i64>>,
    pub plant: Option<Spanned<String>>,
    pub name: Option<Spanned<String>>,
    pub postcode: Option<Spanned<String>>,
    pub customer: Option<Spanned<String>>,
    pub items: Option<Spanned<Vec<String>>>,
    pub words: Option<Spanned<String>>,
    #[serde(rename = "for")]
    pub for_what: Option<Spanned<String>>,
    pub within_ms: Option<Spanned<i64>>,
}

fn nothing() -> Spanned<String> {
    Spanned::new(0..0, String::new())
}

impl FileStep {
    /// The fields that are there, beside `at-ms` and `do`: name, and where it stands in the text.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, usize)> {
        fn place<T>(field: &Option<Spanned<T>>) -> Option<usize> {
            field.as_ref().map(|field| field.span().start)
        }
        let fields = [
            ("node", place(&self.node)),
            ("how", place(&self.how)),
            ("on", place(&self.on)),
            ("ms", place(&self.ms)),
            ("count", place(&self.count)),
            ("rate", place(&self.rate)),
            ("until", place(&self.until)),
            ("from", place(&self.from)),
            ("to", place(&self.to)),
            ("delay-ms", place(&self.delay_ms)),
            ("jitter-ms", place(&self.jitter_ms)),
            ("loss", place(&self.loss)),
            ("doubling", place(&self.doubling)),
            ("side", place(&self.side)),
            ("act", place(&self.act)),
            ("step", place(&self.step)),
            ("which", place(&self.which)),
            ("timer", place(&self.timer)),
            ("of", place(&self.of)),
            ("at", place(&self.at)),
            ("blast", place(&self.blast)),
            ("wakes-after-ms", place(&self.wakes_after_ms)),
            ("plant", place(&self.plant)),
            ("name", place(&self.name)),
            ("postcode", place(&self.postcode)),
            ("customer", place(&self.customer)),
            ("items", place(&self.items)),
            ("words", place(&self.words)),
            ("for", place(&self.for_what)),
            ("within-ms", place(&self.within_ms)),
        ];
        fields.into_iter().filter_map(|(name, place)| Some((name, place?)))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileExpectations {
    pub acknowledged: Option<Spanned<i64>>,
    pub failovers: Option<Spanned<i64>>,
    pub view_changes: Option<Spanned<i64>>,
    pub at_most_view_changes: Option<Spanned<i64>>,
    pub longest_gap_ms: Option<Spanned<i64>>,
    pub timers_rung: Option<Spanned<i64>>,
    pub suspicions: Option<Spanned<i64>>,
    pub faults: Option<Spanned<i64>>,
    pub kinds: Option<Spanned<i64>>,
    pub failpoints: Option<Spanned<i64>>,
    pub recovers_within_ms: Option<Spanned<i64>>,
    pub percent_of_calm: Option<Spanned<i64>>,
    #[serde(default)]
    pub red: Vec<Spanned<String>>,
}
