/// Lets a type stand in files as the text that its `Display` writes and its `FromStr` reads: serde takes it from and into a
/// `String`.
macro_rules! as_text {
    ($type:ty) => {
        impl From<$type> for String {
            fn from(of: $type) -> Self {
                of.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    };
}

pub(crate) use as_text;
