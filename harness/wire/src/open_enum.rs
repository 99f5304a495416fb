/// A wire enum: a newtype with named constants, so that unknown values are kept and print as numbers.
macro_rules! open_enum {
    ($(#[$outer:meta])* pub struct $name:ident($repr:ty) { $($(#[$inner:meta])* $variant:ident = $value:expr,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$inner])* pub const $variant: Self = Self($value);)*

            /// The constant's name, if the value has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($variant)),)*
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "(0x{:x})"), self.0),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{name} (0x{:x})", self.0),
                    None => write!(f, "0x{:x}", self.0),
                }
            }
        }
    };
}
pub(crate) use open_enum;
