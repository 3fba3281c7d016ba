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
    pub acknowledge: Option<Spanned<String>>,
    pub again_after_ms: Option<Spanned<i64>>,
    pub sessions: Option<Spanned<i64>>,
    pub view_record: Option<Spanned<String>>,
    #[serde(default)]
    pub durable: bool,
    #[serde(default)]
    pub step: Vec<FileStep>,
    #[serde(default)]
    pub expect: FileExpectations,
}

/// A step as it is written: each field once, with its name in the file and what it holds. Which fields belong to which action
/// is checked later.
macro_rules! step {
    ($($name:literal $field:ident: $holds:ty,)*) => {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct FileStep {
            #[serde(rename = "at-ms")]
            pub at_ms: Option<Spanned<i64>>,
            /// Conditions have none.
            #[serde(rename = "do", default = "nothing")]
            pub action: Spanned<String>,
            $(#[serde(rename = $name)] pub $field: Option<Spanned<$holds>>,)*
        }

        impl FileStep {
            /// The fields that are there, beside `at-ms` and `do`: name, and where it stands in the text.
            pub fn given(&self) -> impl Iterator<Item = (&'static str, usize)> {
                let places = [$(($name, self.$field.as_ref().map(|field| field.span().start)),)*];
                places.into_iter().filter_map(|(name, place)| Some((name, place?)))
            }
        }
    };
}

step! {
    "node" node: String,
    "how" how: String,
    "on" on: bool,
    "ms" ms: i64,
    "count" count: i64,
    "members" members: i64,
    "rate" rate: f64,
    "until" until: String,
    "from" from: String,
    "to" to: String,
    "delay-ms" delay_ms: i64,
    "jitter-ms" jitter_ms: i64,
    "loss" loss: i64,
    "doubling" doubling: i64,
    "side" side: Vec<Spanned<String>>,
    "act" act: String,
    "step" step: i64,
    "which" which: String,
    "timer" timer: String,
    "of" of: String,
    "at" at: String,
    "blast" blast: String,
    "wakes-after-ms" wakes_after_ms: i64,
    "plant" plant: String,
    "acknowledge" acknowledge: String,
    "name" name: String,
    "postcode" postcode: String,
    "customer" customer: String,
    "items" items: Vec<String>,
    "words" words: String,
    "for" for_what: String,
    "within-ms" within_ms: i64,
}

fn nothing() -> Spanned<String> {
    Spanned::new(0..0, String::new())
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
