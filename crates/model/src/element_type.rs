//! What PyTorch and NumPy call the types of elements.

use safetensors::Dtype;

/// The type of the elements of `torch.FloatStorage` and its like.
pub(crate) fn dtype_of_storage(class: &str) -> Option<Dtype> {
    Some(match class.strip_prefix("torch.")?.strip_suffix("Storage")? {
        "Float" => Dtype::F32,
        "Double" => Dtype::F64,
        "Half" => Dtype::F16,
        "BFloat16" => Dtype::BF16,
        "Long" => Dtype::I64,
        "Int" => Dtype::I32,
        "Short" => Dtype::I16,
        "Char" => Dtype::I8,
        "Byte" => Dtype::U8,
        "Bool" => Dtype::BOOL,
        _ => return None,
    })
}

/// The type that is `torch.float32` and its like.
pub(crate) fn dtype_of_torch(name: &str) -> Option<Dtype> {
    Some(match name.strip_prefix("torch.")? {
        "float32" => Dtype::F32,
        "float64" => Dtype::F64,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::BF16,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint64" => Dtype::U64,
        "uint32" => Dtype::U32,
        "uint16" => Dtype::U16,
        "uint8" => Dtype::U8,
        "bool" => Dtype::BOOL,
        _ => return None,
    })
}

/// The type that NumPy writes as a letter and a number of bytes.
pub(crate) fn dtype_of_numpy(code: &str) -> Option<Dtype> {
    Some(match code {
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "f2" => Dtype::F16,
        "i8" => Dtype::I64,
        "i4" => Dtype::I32,
        "i2" => Dtype::I16,
        "i1" => Dtype::I8,
        "u8" => Dtype::U64,
        "u4" => Dtype::U32,
        "u2" => Dtype::U16,
        "u1" => Dtype::U8,
        "b1" => Dtype::BOOL,
        _ => return None,
    })
}
