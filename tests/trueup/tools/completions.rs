//! `trueup man` and `trueup completions`.

use super::desk::Desk;

#[test]
fn there_is_a_manual_page_for_every_command() {
    let desk = Desk::new();
    let page = desk.run(&["man"]);
    assert!(page.exit == 0 && page.out.contains(".TH trueup 1") && page.out.contains("trueup\\-check"), "{}", page.out);
    let written = desk.run(&["man", "--out", "man"]);
    assert_eq!(written.exit, 0, "{}", written.err);
    let help = desk.run(&["--help"]).out;
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let mut seen = 0;
    for name in
        commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty())
    {
        let page = desk.read(&format!("man/trueup-{name}.1"));
        assert!(page.contains(&format!("trueup {name}")) || page.contains(&format!("trueup\\-{name}")), "{page}");
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
    assert!(desk.path("man/trueup-plan-show.1").is_file());
}
