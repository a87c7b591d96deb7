//! Python pickles, read as data.
//!
//! A pickle is a program for a stack machine that builds objects. This machine builds values and calls nothing: of
//! what would be called it keeps the name and the arguments. Each value is kept once, and what refers back to it
//! refers to that one, so whatever is put into a value later is there wherever the value is.

mod machine;

use std::borrow::Cow;

use self::machine::Machine;

/// The number of a value.
pub(crate) type Id = u32;

/// A value that Python pickled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of 64 bits.
    Int(i64),
    /// An `int` of more.
    LongInt,
    /// A `float`.
    Float(f64),
    /// A `str`, or what Python 2 called one.
    Text(Cow<'a, str>),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// A `list`, a `set` or a `frozenset`.
    List(Vec<Id>),
    /// A `tuple`.
    Tuple(Vec<Id>),
    /// A `dict`, in its order.
    Dict(Vec<(Id, Id)>),
    /// A class or function by its module and name, separated by a dot.
    Global(Box<str>),
    /// What a call would have made.
    Object(Box<Object>),
    /// What stands outside the pickle, by its identifier.
    Persistent(Id),
}

/// What a call would have made, and what was put into it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// What would have been called.
    pub callable: Id,
    /// With which tuple of arguments.
    pub arguments: Id,
    /// The state that was set last.
    pub state: Option<Id>,
    /// What was appended.
    pub items: Vec<Id>,
    /// What was set by key.
    pub entries: Vec<(Id, Id)>,
}

/// A pickle.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    /// The value that was pickled.
    pub root: Id,
    /// How many bytes it takes.
    pub length: usize,
}

type Result<T> = std::result::Result<T, String>;

impl<'a> Pickle<'a> {
    /// Reads the pickle that some bytes begin with.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        Machine::new(bytes).run()
    }

    /// A value.
    pub fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id as usize]
    }

    /// All values.
    pub fn values(&self) -> &[Value<'a>] {
        &self.values
    }

    /// A text.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a tuple or a list.
    pub fn elements(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(elements) | Value::List(elements) => Some(elements),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `s = [1, -2]; {'a': s, 'b': (300, 70000, 2**40, -2**70, True, False, None, 1.5), 'c': s, 7: 'é\n\\', 'e': {'x': ()}}`
    /// as Python 3.12 pickles it with each protocol.
    const PICKLES: [&[u8]; 6] = [
        b"(dp0\nVa\np1\n(lp2\nI1\naI-2\nasVb\np3\n(I300\nI70000\nL1099511627776L\nL-1180591620717411303424L\nI01\n\
          I00\nNF1.5\ntp4\nsVc\np5\ng2\nsI7\nV\xe9\\u000a\\u005c\np6\nsVe\np7\n(dp8\nVx\np9\n(tss.",
        b"}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffeX\x01\x00\x00\x00bq\x03(M,\x01Jp\x11\x01\x00\
          L1099511627776L\nL-1180591620717411303424L\nI01\nI00\nNG?\xf8\x00\x00\x00\x00\x00\x00tq\x04\
          X\x01\x00\x00\x00cq\x05h\x02K\x07X\x04\x00\x00\x00\xc3\xa9\n\\q\x06X\x01\x00\x00\x00eq\x07}q\x08\
          X\x01\x00\x00\x00xq\x09)su.",
        b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffeX\x01\x00\x00\x00bq\x03(M,\x01\
          Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x88\x89N\
          G?\xf8\x00\x00\x00\x00\x00\x00tq\x04X\x01\x00\x00\x00cq\x05h\x02K\x07X\x04\x00\x00\x00\xc3\xa9\n\\q\x06\
          X\x01\x00\x00\x00eq\x07}q\x08X\x01\x00\x00\x00xq\x09)su.",
        b"\x80\x03}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffeX\x01\x00\x00\x00bq\x03(M,\x01\
          Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x88\x89N\
          G?\xf8\x00\x00\x00\x00\x00\x00tq\x04X\x01\x00\x00\x00cq\x05h\x02K\x07X\x04\x00\x00\x00\xc3\xa9\n\\q\x06\
          X\x01\x00\x00\x00eq\x07}q\x08X\x01\x00\x00\x00xq\x09)su.",
        b"\x80\x04\x95]\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffe\x8c\x01b\x94\
          (M,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x88\x89N\
          G?\xf8\x00\x00\x00\x00\x00\x00t\x94\x8c\x01c\x94h\x02K\x07\x8c\x04\xc3\xa9\n\\\x94\x8c\x01e\x94}\x94\
          \x8c\x01x\x94)su.",
        b"\x80\x05\x95]\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffe\x8c\x01b\x94\
          (M,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x88\x89N\
          G?\xf8\x00\x00\x00\x00\x00\x00t\x94\x8c\x01c\x94h\x02K\x07\x8c\x04\xc3\xa9\n\\\x94\x8c\x01e\x94}\x94\
          \x8c\x01x\x94)su.",
    ];

    /// A value as Python writes it.
    fn written(pickle: &Pickle, id: Id) -> String {
        let list = |ids: &[Id]| ids.iter().map(|&id| written(pickle, id)).collect::<Vec<_>>().join(", ");
        match pickle.get(id) {
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(ids) => format!("[{}]", list(ids)),
            Value::Tuple(ids) => format!("({})", list(ids)),
            Value::Dict(entries) => {
                let entry = |&(key, value): &(Id, Id)| {
                    format!("{}: {}", written(pickle, key), written(pickle, value))
                };
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            Value::Object(object) => {
                format!("{}{}", written(pickle, object.callable), written(pickle, object.arguments))
            }
            Value::Global(name) => name.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_protocol_gives_what_was_pickled() {
        let expected = "{\"a\": [1, -2], \"b\": (300, 70000, 1099511627776, LongInt, True, False, None, 1.5), \
            \"c\": [1, -2], 7: \"é\\n\\\\\", \"e\": {\"x\": ()}}";
        for (protocol, bytes) in PICKLES.into_iter().enumerate() {
            let more = [bytes, b"and what follows"].concat();
            let pickle = Pickle::read(&more).unwrap();
            assert_eq!(written(&pickle, pickle.root), expected, "{protocol}");
            assert_eq!(pickle.length, bytes.len());
            // The list is one and the same in both places.
            let Value::Dict(entries) = pickle.get(pickle.root) else { panic!() };
            assert_eq!(entries[0].1, entries[2].1);
        }
    }

    #[test]
    fn what_is_put_into_a_value_later_is_there_wherever_it_is() {
        // a = []; ['kept', a, a], and only then a.append(5), of an object too, and a dictionary in itself.
        let pickle = Pickle::read(b"](]q\x00h\x00h\x00K\x05a0e.").unwrap();
        assert_eq!(written(&pickle, pickle.root), "[[5], [5]]");
        let pickle = Pickle::read(b"}q\x00K\x01h\x00s.").unwrap();
        assert_eq!(pickle.get(pickle.root), &Value::Dict(vec![(1, pickle.root)]));
    }

    #[test]
    fn calls_are_kept_and_not_made() {
        for bytes in
            [&b"cposix\nsystem\n(Vrm\ntR."[..], b"(Vrm\niposix\nsystem\n.", b"(cposix\nsystem\nVrm\no."]
        {
            let pickle = Pickle::read(bytes).unwrap();
            assert_eq!(written(&pickle, pickle.root), "posix.system(\"rm\")");
        }
        let pickle = Pickle::read(b"\x8c\x01m\x8c\x01C\x93)\x81}\x8c\x01aK\x01sb.").unwrap();
        let Value::Object(object) = pickle.get(pickle.root) else { panic!() };
        assert_eq!(written(&pickle, object.callable), "m.C");
        assert_eq!(written(&pickle, object.state.unwrap()), "{\"a\": 1}");
    }

    #[test]
    fn what_is_no_pickle_is_refused() {
        for (bytes, words) in [
            (&b""[..], "breaks off"),
            (b"X\xff\xff\xff\xffa", "breaks off"),
            (b".", "takes more than it has"),
            (b"K\x01(\x85.", "takes more than it has"),
            (b"t.", "a mark that it has not set"),
            (b"h\x05.", "refers back to nothing"),
            (b"K\x01K\x02a.", "appends to what is no list"),
            (b"\x82\x01.", "the instruction 0x82"),
        ] {
            let problem = Pickle::read(bytes).unwrap_err();
            assert!(problem.contains(words), "{problem:?} lacks {words:?}");
        }
    }
}
