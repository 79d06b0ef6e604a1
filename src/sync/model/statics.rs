//! Statics that each execution has anew.

/// As in every other build, but each execution makes them when it first asks for them, and drops them at its end.
macro_rules! statics {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = $init:expr;)*) => {$(
        $(#[$attr])*
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        $vis struct $name {
            _anew: (),
        }
        $(#[$attr])*
        $vis static $name: $name = $name { _anew: () };
        impl std::ops::Deref for $name {
            type Target = $type;
            fn deref(&self) -> &$type {
                static ANEW: shuttle::lazy_static::Lazy<$type> =
                    shuttle::lazy_static::Lazy::new(|| $init);
                ANEW.get()
            }
        }
    )*};
}
pub(crate) use statics;
