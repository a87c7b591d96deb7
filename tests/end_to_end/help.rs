use crate::sandbox::Sandbox;

#[test]
fn help_texts() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("help", sandbox.succeed(&["--help"]));
    insta::assert_snapshot!("help-train", sandbox.succeed(&["train", "--help"]));
    insta::assert_snapshot!("help-analyze", sandbox.succeed(&["analyze", "--help"]));
    insta::assert_snapshot!("help-compare", sandbox.succeed(&["compare", "--help"]));
    insta::assert_snapshot!("help-import", sandbox.succeed(&["import", "--help"]));
    insta::assert_snapshot!("help-progress", sandbox.succeed(&["progress", "--help"]));
    insta::assert_snapshot!("help-report", sandbox.succeed(&["report", "--help"]));
    insta::assert_snapshot!("help-resume", sandbox.succeed(&["resume", "--help"]));
    insta::assert_snapshot!("help-sweep", sandbox.succeed(&["sweep", "--help"]));
}
