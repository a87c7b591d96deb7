//! Pickles, an instruction after the other.

/// The bytes of a pickle, of protocol 2 if nothing newer is in it.
#[derive(Clone)]
pub struct Pickle(pub Vec<u8>);

impl Pickle {
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// Instructions that stand for themselves.
    pub fn add(&mut self, instructions: &[u8]) {
        self.0.extend(instructions);
    }

    pub fn text(&mut self, text: &str) {
        self.add(b"X");
        self.add(&(text.len() as u32).to_le_bytes());
        self.add(text.as_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.add(b"B");
        self.add(&(bytes.len() as u32).to_le_bytes());
        self.add(bytes);
    }

    pub fn number(&mut self, number: i32) {
        self.add(b"J");
        self.add(&number.to_le_bytes());
    }

    pub fn global(&mut self, module: &str, name: &str) {
        self.add(format!("c{module}\n{name}\n").as_bytes());
    }

    pub fn tuple(&mut self, numbers: &[usize]) {
        self.add(b"(");
        numbers.iter().for_each(|&number| self.number(number as i32));
        self.add(b"t");
    }

    /// A tensor of 32-bit floats with its elements in a storage.
    pub fn tensor(&mut self, shape: &[usize], strides: &[usize], (storage, elements): (usize, usize)) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.add(b"((");
        self.text("storage");
        self.global("torch", "FloatStorage");
        self.text(&storage.to_string());
        self.text("cpu");
        self.number(elements as i32);
        self.add(b"tQ");
        self.number(0);
        self.tuple(shape);
        self.tuple(strides);
        self.add(&[0x89]);
        self.global("collections", "OrderedDict");
        self.add(b")RtR");
    }

    /// Its bytes, whole.
    pub fn end(mut self) -> Vec<u8> {
        self.add(b".");
        self.0
    }
}
