//! The lessons that are built in, in their order, and their translations. Nothing is read from a disk.

use std::sync::LazyLock;

use super::{Lesson, parse_lesson};

/// Name and text.
pub const LESSONS: [(&str, &str); 14] = [
    ("one-order", include_str!("../../../../resources/lessons/one-order.md")),
    ("placed", include_str!("../../../../resources/lessons/placed.md")),
    ("primary-dies", include_str!("../../../../resources/lessons/primary-dies.md")),
    ("retry", include_str!("../../../../resources/lessons/retry.md")),
    ("slow-backup", include_str!("../../../../resources/lessons/slow-backup.md")),
    ("fencing", include_str!("../../../../resources/lessons/fencing.md")),
    ("split-brain", include_str!("../../../../resources/lessons/split-brain.md")),
    ("joining", include_str!("../../../../resources/lessons/joining.md")),
    ("who-is-needed", include_str!("../../../../resources/lessons/who-is-needed.md")),
    ("postcode-service", include_str!("../../../../resources/lessons/postcode-service.md")),
    ("reading", include_str!("../../../../resources/lessons/reading.md")),
    ("how-many-copies", include_str!("../../../../resources/lessons/how-many-copies.md")),
    ("power-cut", include_str!("../../../../resources/lessons/power-cut.md")),
    ("design-a-fault", include_str!("../../../../resources/lessons/design-a-fault.md")),
];

/// Name, language and text.
pub const TRANSLATIONS: [(&str, &str, &str); 1] =
    [("primary-dies", "de", include_str!("../../../../resources/lessons/primary-dies.de.md"))];

/// The text of a built-in lesson, by its name or its number from 1.
#[must_use]
pub fn built_in_lesson(name: &str) -> Option<(&'static str, &'static str)> {
    let number = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let by_number = number.and_then(|at| LESSONS.get(at));
    by_number.or_else(|| LESSONS.iter().find(|(known, _)| *known == name)).copied()
}

/// The built-in lessons by name, in their order. Their texts are read once; a test sees to it that all can be read.
pub fn built_in_lessons() -> &'static [(&'static str, Lesson)] {
    static READ: LazyLock<Vec<(&str, Lesson)>> = LazyLock::new(|| {
        let read = |(name, text)| Some((name, parse_lesson(text).ok()?));
        LESSONS.into_iter().filter_map(read).collect()
    });
    &READ
}
