//! A kind of things that have names on the command line, in scenarios and on tapes: declared once, one thing a line.

/// Declares an enum, the list of its values, their names with [`Display`](std::fmt::Display) and
/// [`FromStr`](std::str::FromStr), and perhaps one more property of each.
macro_rules! named {
    (
        $(#[$of_kind:meta])* pub enum $Kind:ident;
        $(#[$of_all:meta])* pub const $ALL:ident;
        $(#[$of_property:meta])* pub fn $property:ident -> $Property:ty;
        what: $what:literal;
        $($(#[$of_one:meta])* $One:ident = $name:literal, $value:expr;)*
    ) => {
        named! {
            $(#[$of_kind])* pub enum $Kind;
            $(#[$of_all])* pub const $ALL;
            what: $what;
            $($(#[$of_one])* $One = $name;)*
        }

        impl $Kind {
            $(#[$of_property])*
            #[must_use]
            pub fn $property(self) -> $Property {
                match self {
                    $($Kind::$One => $value,)*
                }
            }
        }
    };
    (
        $(#[$of_kind:meta])* pub enum $Kind:ident;
        $(#[$of_all:meta])* pub const $ALL:ident;
        what: $what:literal;
        $($(#[$of_one:meta])* $One:ident = $name:literal;)*
    ) => {
        $(#[$of_kind])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $Kind {
            $($(#[$of_one])* $One,)*
        }

        $(#[$of_all])*
        pub const $ALL: [$Kind; [$($Kind::$One,)*].len()] = [$($Kind::$One,)*];

        impl $Kind {
            /// Its name on the command line, in scenarios and on tapes.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($Kind::$One => $name,)*
                }
            }
        }

        impl std::fmt::Display for $Kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $Kind {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                $ALL.into_iter().find(|known| known.name() == name).ok_or_else(|| {
                    format!("there is no {} with this name; the names are: {}", $what, $ALL.map($Kind::name).join(", "))
                })
            }
        }
    };
}

pub(crate) use named;
