use clockwork_model::{Facts, NameMap, ReadAs, Result};

use crate::args::ReadArgs;

/// How a file is to be read, by the flags and the files that they name. Flags count more than files.
pub fn read_as(args: &ReadArgs) -> Result<ReadAs> {
    let told = Facts {
        operation: args.operation,
        zero: args.without_zero.then_some(false),
        modulus: args.modulus,
        tokens: args.tokens.clone(),
        activation: args.act,
        layer_norm: args.layer_norm.then_some(true),
        n_heads: args.heads,
        ..Facts::default()
    };
    let in_file = args.architecture.as_deref().map(Facts::read).transpose()?.unwrap_or_default();
    let names = args.names.as_deref().map(NameMap::read).transpose()?;
    Ok(ReadAs { key: args.key.clone(), facts: told.or(in_file), names })
}
