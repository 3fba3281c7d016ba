//! The TOML of a lesson as it is written, before limits and names are checked. Its steps and conditions are those of scenarios.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::file::{FileExpectations, FileStep};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Front {
    pub title: Spanned<String>,
    pub goal: Spanned<String>,
    pub rule: Spanned<String>,
    pub minutes: Spanned<i64>,
    pub replicas: Spanned<i64>,
    pub customers: Option<Spanned<i64>>,
    pub sessions: Option<Spanned<i64>>,
    pub plant: Option<Spanned<String>>,
    pub acknowledge: Option<Spanned<String>>,
    pub speed: Option<Spanned<f64>>,
    #[serde(default)]
    pub durable: bool,
    #[serde(default)]
    pub try_next: Vec<Spanned<String>>,
    #[serde(default)]
    pub step: Vec<FileStep>,
    #[serde(default)]
    pub expect: FileExpectations,
}

/// Of a translation: the front matter has only words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TranslatedFront {
    pub title: Spanned<String>,
    pub goal: Spanned<String>,
    pub rule: Spanned<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FilePage {
    #[serde(default)]
    pub spotlight: Vec<Spanned<String>>,
    #[serde(default)]
    pub stops: bool,
    pub hint_after_s: Option<Spanned<i64>>,
    #[serde(default)]
    pub before: Vec<FileStep>,
    #[serde(default)]
    pub until: Vec<FileStep>,
    #[serde(default)]
    pub do_it: Vec<FileStep>,
    pub predict: Option<FilePrediction>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FilePrediction {
    pub model: Spanned<String>,
    pub node: Option<Spanned<String>>,
    pub number: Option<Spanned<String>>,
    #[serde(default)]
    pub right_if: BTreeMap<String, Vec<FileStep>>,
    #[serde(default)]
    pub then: Vec<FileStep>,
    #[serde(default)]
    pub until: Vec<FileStep>,
}
