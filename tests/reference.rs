//! What the command says of networks of kinds that a file does not tell apart, trained by other people.
//!
//! They carry no licence to be kept here: an environment variable names the folder that holds them, and
//! without it this test cannot run. `just test-reference` runs it.

use std::{env, path::PathBuf, process::Command};

/// Names the folder.
const FOLDER: &str = "CLOCKWORK_REFERENCE_DIR";

#[test]
#[ignore = "needs models that have no licence to be kept here"]
fn a_wrong_reading_is_told_with_the_flag_that_mends_it_and_a_right_one_is_not_doubted() {
    let folder =
        PathBuf::from(env::var_os(FOLDER).unwrap_or_else(|| panic!("{FOLDER} does not name the folder")));
    for (file, flag) in [
        ("small/gelu.pt", Some("--act gelu")),
        ("small/silu.pt", Some("--act silu")),
        ("small/lnpre_nobias.pt", Some("--layer-norm")),
        ("small/sub.pt", Some("--operation subtract")),
        ("small/mul.pt", Some("--operation multiply")),
        ("small/op.pt", Some("--tokens \"x + y =\"")),
        ("small/order_eq_first.pt", Some("--tokens \"= x y\"")),
        ("small/vocab_pad.pt", Some("--modulus 23")),
        ("pizza-a.pt", Some("attention_coefficient = 0.0")),
        ("pizza-own-vocabulary.pt", Some("own_vocabularies = true")),
        ("small/relu_nobias.pt", None),
        ("small/relu_bias.pt", None),
        ("small/ln.pt", None),
        ("small/two.pt", None),
        ("small/nctx5.pt", None),
        ("c113-seed1.pt", None),
        ("c113-seed2.pt", None),
        ("c113-seed1-tl4.pt", None),
        ("c113-mlp-seed1.pt", None),
        ("c113-mlp-seed2.pt", None),
        ("p23-mlp.pth", None),
        ("pizza-b.pt", None),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_clockwork"))
            .args(["analyze", "--json"])
            .arg(folder.join(file))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() && said.contains("assumed, as the file does not say it: "),
            "{file}: {said}"
        );
        let doubt = said.lines().find(|line| line.contains("what was assumed"));
        match flag {
            Some(flag) => assert!(doubt.is_some_and(|doubt| doubt.contains(flag)), "{file}: {said}"),
            None => assert_eq!(doubt, None, "{file}"),
        }
    }
}
