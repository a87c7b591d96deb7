use std::collections::HashMap;

use super::{Id, Object, Pickle, Result, Value};

/// The most values that a pickle may hold, some hundred times as many as a checkpoint with a thousand state dicts. A
/// value takes 32 bytes.
const MAX_VALUES: usize = 1 << 22;

/// A stack machine in the middle of a pickle.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// The heights of the stack at which something begins that will be taken together.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// The machine at a pickle's first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, values: vec![], stack: vec![], marks: vec![], memo: HashMap::new() }
    }

    /// Runs the program to its end.
    pub fn run(mut self) -> Result<Pickle<'a>> {
        loop {
            let [opcode] = self.array()?;
            if opcode == b'.' {
                return Ok(Pickle { root: self.pop()?, values: self.values, length: self.at });
            }
            self.step(opcode)?;
        }
    }

    /// One instruction. Their meanings are in Python's `pickletools.py`.
    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            // Instructions about the stack and the memo.
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'p' => self.remember_at_line()?,
            b'q' => self.remember::<1>()?,
            b'r' => self.remember::<4>()?,
            0x94 => {
                let place = self.memo.len() as u32;
                let top = self.top()?;
                self.memo.insert(place, top);
            }
            b'g' => {
                let place = self.number_on_line()?;
                self.recall(place)?;
            }
            b'h' => {
                let place = self.length::<1>()? as u32;
                self.recall(place)?;
            }
            b'j' => {
                let place = self.length::<4>()? as u32;
                self.recall(place)?;
            }
            // The protocol, and how the bytes are framed.
            0x80 => drop(self.array::<1>()?),
            0x95 => drop(self.array::<8>()?),
            _ => return self.push_constant(opcode),
        }
        Ok(())
    }

    /// Instructions that push a value that stands in the bytes.
    fn push_constant(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'I' => match self.line()? {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                number => int_of(number),
            },
            b'L' => int_of(self.line()?.trim_end_matches('L')),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            b'K' => Value::Int(self.length::<1>()? as i64),
            b'M' => Value::Int(self.length::<2>()? as i64),
            0x8a => self.long_int::<1>()?,
            0x8b => self.long_int::<4>()?,
            b'F' => {
                let line = self.line()?;
                Value::Float(line.parse().map_err(|_| format!("its pickle has {line:?} for a number"))?)
            }
            b'G' => Value::Float(f64::from_be_bytes(self.array()?)),
            b'V' => Value::Text(unescaped(self.line_of_bytes()?).into()),
            b'S' => match self.line_of_bytes()? {
                [_, quoted @ .., _] => Value::Text(unescaped(quoted).into()),
                _ => return Err("its pickle has a text without quotes".to_owned()),
            },
            b'X' | b'T' => self.text::<4>()?,
            0x8c | b'U' => self.text::<1>()?,
            0x8d => self.text::<8>()?,
            b'B' => Value::Bytes(self.sized::<4>()?),
            b'C' => Value::Bytes(self.sized::<1>()?),
            0x8e | 0x96 => Value::Bytes(self.sized::<8>()?),
            b']' | 0x8f => Value::List(Vec::new()),
            b'}' => Value::Dict(Vec::new()),
            b')' => Value::Tuple(Vec::new()),
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                Value::Global(format!("{module}.{name}").into())
            }
            b'P' => {
                let identifier = Value::Text(self.line()?.into());
                Value::Persistent(self.keep(identifier)?)
            }
            _ => return self.combine(opcode),
        };
        self.push(value)
    }

    /// Instructions that make a value of what is on the stack, or put it into one.
    fn combine(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            b't' => Value::Tuple(self.pop_to_mark()?),
            0x85 => Value::Tuple(self.pop_last(1)?),
            0x86 => Value::Tuple(self.pop_last(2)?),
            0x87 => Value::Tuple(self.pop_last(3)?),
            b'l' | 0x91 => Value::List(self.pop_to_mark()?),
            b'd' => Value::Dict(pairs(&self.pop_to_mark()?)),
            b'a' => {
                let items = self.pop_last(1)?;
                return self.append(&items);
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                return self.append(&items);
            }
            b's' => {
                let entry = self.pop_last(2)?;
                return self.set(&entry);
            }
            b'u' => {
                let entries = self.pop_to_mark()?;
                return self.set(&entries);
            }
            b'b' => {
                let state = self.pop()?;
                let top = self.top()? as usize;
                if let Value::Object(object) = &mut self.values[top] {
                    object.state = Some(state);
                }
                return Ok(());
            }
            b'Q' => Value::Persistent(self.pop()?),
            0x93 => {
                let [module, name] = self.pop_array()?;
                match [&self.values[module as usize], &self.values[name as usize]] {
                    [Value::Text(module), Value::Text(name)] => {
                        Value::Global(format!("{module}.{name}").into())
                    }
                    _ => return Err("its pickle names a class by what is no text".to_owned()),
                }
            }
            b'R' | 0x81 => {
                let [callable, arguments] = self.pop_array()?;
                Value::Object(Object::of(callable, arguments).into())
            }
            0x92 => {
                let [callable, arguments, _] = self.pop_array()?;
                Value::Object(Object::of(callable, arguments).into())
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let callable = self.keep(Value::Global(format!("{module}.{name}").into()))?;
                let arguments = Value::Tuple(self.pop_to_mark()?);
                Value::Object(Object::of(callable, self.keep(arguments)?).into())
            }
            b'o' => {
                let mut taken = self.pop_to_mark()?.into_iter();
                let callable = taken.next().ok_or("its pickle makes an object of no class")?;
                let arguments = self.keep(Value::Tuple(taken.collect()))?;
                Value::Object(Object::of(callable, arguments).into())
            }
            _ => return Err(format!("its pickle has the instruction {opcode:#04x}, which is not known")),
        };
        self.push(value)
    }

    fn append(&mut self, items: &[Id]) -> Result<()> {
        let top = self.top()? as usize;
        match &mut self.values[top] {
            Value::List(list) => list.extend(items),
            Value::Object(object) => object.items.extend(items),
            _ => return Err("its pickle appends to what is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, entries: &[Id]) -> Result<()> {
        let top = self.top()? as usize;
        match &mut self.values[top] {
            Value::Dict(dict) => dict.extend(pairs(entries)),
            Value::Object(object) => object.entries.extend(pairs(entries)),
            _ => return Err("its pickle sets a key of what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn keep(&mut self, value: Value<'a>) -> Result<Id> {
        if self.values.len() == MAX_VALUES {
            return Err(format!("its pickle holds more than {MAX_VALUES} values"));
        }
        self.values.push(value);
        Ok((self.values.len() - 1) as Id)
    }

    fn push(&mut self, value: Value<'a>) -> Result<()> {
        let id = self.keep(value)?;
        self.stack.push(id);
        Ok(())
    }

    fn top(&self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(|| "its pickle takes more than it has".to_owned())
    }

    fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_last(&mut self, count: usize) -> Result<Vec<Id>> {
        let mut taken = (0..count).map(|_| self.pop()).collect::<Result<Vec<Id>>>()?;
        taken.reverse();
        Ok(taken)
    }

    fn pop_array<const COUNT: usize>(&mut self) -> Result<[Id; COUNT]> {
        let mut taken = [0; COUNT];
        for place in taken.iter_mut().rev() {
            *place = self.pop()?;
        }
        Ok(taken)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or("its pickle takes from a mark that it has not set")?;
        Ok(self.stack.split_off(mark))
    }

    fn remember<const SIZE: usize>(&mut self) -> Result<()> {
        let (place, top) = (self.length::<SIZE>()? as u32, self.top()?);
        self.memo.insert(place, top);
        Ok(())
    }

    fn remember_at_line(&mut self) -> Result<()> {
        let (place, top) = (self.number_on_line()?, self.top()?);
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<()> {
        let id = *self.memo.get(&place).ok_or("its pickle refers back to nothing")?;
        self.stack.push(id);
        Ok(())
    }

    fn number_on_line(&mut self) -> Result<u32> {
        let line = self.line()?;
        line.parse().map_err(|_| format!("its pickle has {line:?} for a place"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..length).ok_or("its pickle breaks off")?;
        self.at += length;
        Ok(taken)
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE]> {
        let mut array = [0; SIZE];
        array.copy_from_slice(self.take(SIZE)?);
        Ok(array)
    }

    /// A number without sign in some bytes.
    fn length<const SIZE: usize>(&mut self) -> Result<usize> {
        let mut bytes = [0; 8];
        bytes[..SIZE].copy_from_slice(self.take(SIZE)?);
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| "its pickle breaks off".to_owned())
    }

    /// As many bytes as a number in some bytes says.
    fn sized<const SIZE: usize>(&mut self) -> Result<&'a [u8]> {
        let length = self.length::<SIZE>()?;
        self.take(length)
    }

    /// A text, or the bytes that Python 2 called so.
    fn text<const SIZE: usize>(&mut self) -> Result<Value<'a>> {
        let bytes = self.sized::<SIZE>()?;
        Ok(std::str::from_utf8(bytes).map_or(Value::Bytes(bytes), |text| Value::Text(text.into())))
    }

    /// A number with sign, in as many bytes as another number says.
    fn long_int<const SIZE: usize>(&mut self) -> Result<Value<'a>> {
        let bytes = self.sized::<SIZE>()?;
        let Some(sign) = bytes.last().map(|last| if *last < 0x80 { 0 } else { 0xff }) else {
            return Ok(Value::Int(0));
        };
        let mut wide = [sign; 8];
        Ok(match wide.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(bytes);
                Value::Int(i64::from_le_bytes(wide))
            }
            None => Value::LongInt,
        })
    }

    /// What stands before the next end of a line.
    fn line_of_bytes(&mut self) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("its pickle breaks off")?;
        Ok(&self.take(end + 1)?[..end])
    }

    fn line(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.line_of_bytes()?)
            .map_err(|_| "its pickle has a line that is no text".to_owned())
    }
}

impl Object {
    fn of(callable: Id, arguments: Id) -> Self {
        Self { callable, arguments, state: None, items: Vec::new(), entries: Vec::new() }
    }
}

fn pairs(of: &[Id]) -> Vec<(Id, Id)> {
    of.as_chunks::<2>().0.iter().map(|&[key, value]| (key, value)).collect()
}

fn int_of(digits: &str) -> Value<'static> {
    digits.parse().map_or(Value::LongInt, Value::Int)
}

/// A text of protocol 0: a byte a character, of which some are written as `\n`, `\x41` or `\u0041`.
fn unescaped(line: &[u8]) -> String {
    let line: String = line.iter().copied().map(char::from).collect();
    let mut text = String::with_capacity(line.len());
    let mut rest = &line[..];
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let mut following = after.chars();
        let escape = following.next();
        let digits = match escape {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let code = following.as_str().get(..digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let (character, length) = match (code.and_then(char::from_u32), escape) {
            (Some(character), _) => (character, digits),
            (None, Some('n')) => ('\n', 0),
            (None, Some('r')) => ('\r', 0),
            (None, Some('t')) => ('\t', 0),
            (None, Some(other)) => (other, 0),
            (None, None) => ('\\', 0),
        };
        text.push(character);
        rest = &following.as_str()[length..];
    }
    text + rest
}
