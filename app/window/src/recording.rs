//! Recording and writing a lesson: what a person does becomes pages, and the pages get their words beside the picture.
//!
//! What a command becomes is `scenarios`'s matter, how the editor looks that of `panels::editor`. Here it is begun, tried, saved
//! and given up.

use protocol::trace::TraceRecord;

use super::Window;
use crate::arrangement::Side;
use crate::folders::Sort;
use crate::panels::Selected;
use crate::panels::consent::{Asked, Wanted};
use crate::panels::editor::{Editor, EditorClick};
use crate::panels::files::{Purpose, Saves};
use knowledge::user_command::UserCommand;
use scenarios::{Draft, Lesson, Recorder, parse_lesson};

/// A lesson that is being recorded, or written.
#[derive(Default)]
pub(super) struct Authoring {
    recorder: Option<Box<Recorder>>,
    pub(super) editor: Option<Editor>,
    /// The next lesson that is opened is to be edited.
    pub(super) edits: bool,
}

impl Authoring {
    /// Takes in a fact, before the picture does.
    pub(super) fn learn(&mut self, record: &TraceRecord) {
        if let Some(recorder) = &mut self.recorder {
            recorder.learn(record);
        }
    }

    /// How many steps have been recorded, while that goes on.
    pub(super) fn steps(&self) -> Option<usize> {
        self.recorder.as_ref().map(|recorder| recorder.steps())
    }
}

/// By which name a lesson that is tried is asked for.
const TRIED: &str = "the lesson in the editor";

impl Window {
    /// Why no lesson can be recorded, or opened for editing, now.
    pub(super) fn refuses_recording(&self) -> Option<&'static str> {
        if self.performs() || self.performing.is_some() {
            Some(wording::NO_RECORDING_IN_SCRIPT)
        } else if self.authoring.recorder.is_some() {
            Some(wording::ALREADY_RECORDING)
        } else if self.authoring.editor.is_some() {
            Some(wording::NO_RECORDING_BESIDE)
        } else {
            self.refuses()
        }
    }

    /// Does what menu and chip were clicked for.
    pub(super) fn follow_recording(&mut self, now: f64) {
        if std::mem::take(&mut self.toolbar.record_lesson) {
            match self.refuses_recording() {
                Some(why) => self.notices.say(now, why.into()),
                None => {
                    let (speed, caches_checks) = (self.toolbar.pace.chosen(), !self.toolbar.asks_each_time);
                    self.authoring.recorder = Some(Box::new(Recorder::begin(&self.picture, speed, caches_checks)));
                }
            }
        }
        if std::mem::take(&mut self.toolbar.stop_recording) {
            self.stop_recording(now);
        }
        self.toolbar.recording = self.authoring.steps().map(wording::recording_chip);
        if std::mem::take(&mut self.toolbar.edit_lesson) {
            match self.refuses_recording() {
                Some(why) => self.notices.say(now, why.into()),
                None => {
                    self.files_state.ask(Purpose::Open(Sort::Lesson));
                    self.authoring.edits = true;
                }
            }
        }
    }

    /// Its pages are shown in the editor.
    pub(super) fn stop_recording(&mut self, now: f64) {
        let Some(recorder) = self.authoring.recorder.take() else { return };
        let (mut lesson, remarks) = recorder.recorded(&self.picture);
        if lesson.pages.is_empty() {
            return self.notices.say(now, wording::RECORDING_IS_EMPTY.into());
        }
        let [title, goal, rule] = wording::FIRST_WORDS.map(str::to_owned);
        (lesson.title, lesson.goal, lesson.rule) = (title, goal, rule);
        let mut draft = Draft::of(lesson);
        for page in &mut draft.pages {
            (page.title, page.text) = wording::first_words(&page.page);
        }
        let remarks = remarks.iter().map(wording::remark).collect();
        self.edit(Editor::new(draft, remarks, false));
    }

    /// Another cluster has begun: what was recorded on the one before is kept.
    pub(super) fn end_recording(&mut self) {
        if self.authoring.recorder.is_some() {
            self.stop_recording(0.0);
            self.notices.announce(wording::RECORDING_ENDED.into());
        }
    }

    /// A lesson was read from a file to be edited.
    pub(super) fn edit_lesson(&mut self, lesson: Lesson) {
        self.edit(Editor::new(Draft::of(lesson), Vec::new(), true));
    }

    fn edit(&mut self, editor: Editor) {
        self.authoring.editor = Some(editor);
        self.side = Side::Edit;
    }

    /// A person asks for something: it is recorded, unless a script runs.
    pub(super) fn record(&mut self, command: &UserCommand) {
        let Some(recorder) = &mut self.authoring.recorder else { return };
        let looks_at = match &self.focus.selected {
            Selected::Node(name) => Some(name.clone()),
            Selected::Customer(id) => self.picture.customers.get(*id).map(|customer| customer.name.clone()),
            Selected::Nothing | Selected::Message(..) => None,
        };
        recorder.asked(command, &self.picture, looks_at.as_deref());
    }

    /// Does what the editor was clicked for.
    pub(super) fn follow_editor(&mut self, click: Option<EditorClick>) {
        let (Some(click), Some(editor)) = (click, &self.authoring.editor) else { return };
        match click {
            EditorClick::Try => {
                let Ok(lesson) = editor.draft.lesson() else { return };
                let (title, switch) = (lesson.title.clone(), lesson.unsafe_switches().next());
                self.lessons.remember_opened(TRIED.into(), lesson);
                let (name, page) = (TRIED.to_owned(), Some(0));
                match switch {
                    None => self.scenarios.wanted = Some(Wanted { name, with_bug: true, opened: true, page }),
                    Some(_) => self.scenarios.asked = Some(Asked::Scenario { name, title, switch, opened: true, page }),
                }
            }
            EditorClick::Save => self.files_state.ask(Purpose::Save(Saves::Lesson)),
            EditorClick::Discard => self.authoring.editor = None,
        }
    }

    /// The file of the lesson in the editor.
    pub(super) fn written_lesson(&self) -> String {
        self.authoring.editor.as_ref().map_or_else(String::new, |editor| editor.draft.file())
    }

    /// The lesson in the editor is in a file now.
    pub(super) fn lesson_is_saved(&mut self) {
        if let Some(editor) = &mut self.authoring.editor {
            editor.is_saved();
        }
    }

    /// The lesson that is not saved yet, to be kept until the next run: in the editor, or recorded so far.
    pub(super) fn unsaved_lesson(&self) -> Option<String> {
        match (&self.authoring.editor, &self.authoring.recorder) {
            (Some(editor), _) => editor.is_unsaved().then(|| editor.draft.file()),
            (None, Some(recorder)) => {
                let (lesson, _) = recorder.recorded(&self.picture);
                let mut draft = Draft::of(lesson);
                for page in &mut draft.pages {
                    (page.title, page.text) = wording::first_words(&page.page);
                }
                (!draft.pages.is_empty()).then(|| draft.file())
            }
            (None, None) => None,
        }
    }

    /// What was kept of the last run.
    pub(super) fn take_up_unsaved(&mut self, text: &str) {
        if let Ok(lesson) = parse_lesson(text) {
            self.edit(Editor::new(Draft::of(lesson), Vec::new(), false));
        }
    }
}
