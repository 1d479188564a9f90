//! `trueup man` and `trueup completions`.

use super::desk::Desk;
use std::process::Command;

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

const SELL: &str = "trueup: v1\nname: sell\nversion: 1\ntitle: Sell\nowner: clerk\nrisk: low\nuses: { shop: { read: [things] } }\nparams:\n  id: { type: int, description: Its number, example: 1 }\n  way: { type: enum, values: [cash, card], description: How, example: cash }\n  state: { type: shop.things.state, description: Its state, example: open }\n  sure: { type: bool, description: Sure, example: true }\nsteps:\n  - id: thing\n    find: { table: shop.things, where: { id: \"{{ params.id }}\" }, expect: one }\n  - { id: seen, let: \"{{ [params.way, params.state, params.sure] }}\" }\n  - assert: seen | length == 3\n";

#[test]
fn names_of_the_project_can_be_completed_and_a_broken_project_only_has_none() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", SELL);
    desk.write("playbooks/shop/send.yaml", &SELL.replace("name: sell", "name: shop/send"));
    let after = |words: &[&str]| {
        let came = desk.run(&[&["complete", "--"], words].concat());
        assert_eq!((came.exit, &*came.err), (0, ""), "{words:?}");
        came.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(after(&["appl"]), ["apply"]);
    assert_eq!(after(&["apply", "s"]), ["sell", "shop/send"]);
    assert_eq!(after(&["apply", "--project", "trueup.yaml", "sh"]), ["shop/send"]);
    assert_eq!(after(&["apply", "sell", ""]), ["id=", "state=", "sure=", "way="]);
    assert_eq!(after(&["apply", "sell", "id=1", "way=cash", "s"]), ["state=", "sure="]);
    assert_eq!(after(&["plan", "sell", "way=ca"]), ["way=card", "way=cash"]);
    assert_eq!(after(&["plan", "sell", "state="]), ["state=lost", "state=open", "state=sold"]);
    assert_eq!(after(&["apply", "sell", "--en"]), ["--env"]);
    assert_eq!(after(&["apply", "sell", "--env", ""]), ["test"]);
    assert_eq!(after(&["apply", "sell", "--env=t"]), ["--env=test"]);
    assert_eq!(after(&["connection", "inspect", "sh"]), ["shop"]);
    assert_eq!(after(&["connection", "inspect", "shop", "sh"]), ["shelves"]);
    assert_eq!(after(&["new", "x", "--table", "shop.th"]), ["shop.things"]);
    assert_eq!(after(&["new", "x", "--owner", "b"]), ["boss"]);
    assert_eq!(after(&["explain", "row"]), ["row", "rows"]);
    assert!(after(&["complete"]).is_empty(), "a command for scripts is offered to nobody");
    desk.write("trueup.yaml", "trueup: [");
    assert!(after(&["apply", "s"]).is_empty() && after(&["test", "--cov"]) == ["--coverage"]);
}

#[test]
fn bash_asks_and_puts_an_equals_sign_together_again() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", SELL);
    let script = desk.run(&["completions", "bash"]).out;
    let line = |typed: &str| {
        // What bash itself does before it calls the function, as far as the function looks at it.
        let ask = "source \"$1\"; COMP_LINE=\"$2 $3\"; COMP_POINT=${#COMP_LINE}; compopt() { :; }; _trueup; printf '%s\\n' \"${COMPREPLY[@]}\"";
        desk.write("completions.sh", &script);
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", ask, "bash", "completions.sh", env!("CARGO_BIN_EXE_trueup"), typed]);
        let output = bash.current_dir(desk.path(".")).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(line("apply se"), "sell\n");
    assert_eq!(line("apply sell i"), "id=\n");
    assert_eq!(line("apply sell way=c"), "card\ncash\n");
    assert_eq!(line("apply sell --env "), "test\n");
}

/// The shell is on this machine. Where it is not, what would have been looked at is said.
fn has(shell: &str) -> bool {
    let is = Command::new(shell).arg("--version").output().is_ok_and(|output| output.status.success());
    if !is {
        println!("skipped: {shell} is not installed, so its completions are only looked at as a text");
    }
    is
}

/// What the shell itself makes of a line, with the script in `name` and our program first on the path.
fn in_shell(desk: &Desk, shell: &str, (name, script): (&str, &str), ask: &str, typed: &str) -> String {
    desk.write(name, script);
    desk.write("ask", ask);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_trueup")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let plain = if shell == "zsh" { "-f" } else { "--no-config" };
    let mut command = Command::new("timeout");
    command.args(["30", shell, plain, "ask", typed]).current_dir(desk.path("."));
    let output = command.env("PATH", path).env("HOME", desk.path(".")).env("TERM", "dumb").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A zsh at a terminal of its own: somebody types and completes, and this is the line then.
const TAB: &str = r#"
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z "fpath=($PWD \$fpath); autoload -Uz compinit; compinit -u -D; show() { zle complete-word; print -r -- \"<\"\"<\$BUFFER>\"\">\" }
zle -N show; bindkey '^G' show; setopt no_beep; print -r -- REA''DY"
until [[ $out == *READY* ]] { zpty -r -t z part && out+=$part; zselect -t 2 2>/dev/null }
zpty -w -n z "$1"$'\a'
until [[ $out == *'<<'*'>>'* ]] { zpty -r -t z part && out+=$part; zselect -t 2 2>/dev/null }
print -r -- "${${out##*<<}%%>>*}"
"#;

#[test]
fn fish_and_zsh_complete_what_somebody_types() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", SELL);
    if has("fish") {
        let script = desk.run(&["completions", "fish"]).out;
        let ask = "source trueup.fish; complete -C\"$argv[1]\"\n";
        let line = |typed: &str| in_shell(&desk, "fish", ("trueup.fish", &script), ask, typed);
        assert_eq!(line("trueup apply se"), "sell\n");
        assert_eq!(line("trueup apply sell way=c"), "way=card\nway=cash\n");
        assert_eq!(line("trueup apply sell --env "), "test\n");
    }
    if has("zsh") {
        let script = desk.run(&["completions", "zsh"]).out;
        let ask = format!("zmodload zsh/zselect\n{TAB}");
        let line = |typed: &str| in_shell(&desk, "zsh", ("_trueup", &script), &ask, typed);
        assert_eq!(line("trueup apply se"), "trueup apply sell \n");
        assert_eq!(line("trueup apply sell i"), "trueup apply sell id=\n", "no blank behind what is not over");
        assert_eq!(line("trueup plan sell --env te"), "trueup plan sell --env test \n");
    }
}

#[test]
fn man_shows_the_page_without_a_complaint() {
    let desk = Desk::new();
    if !has("man") {
        return;
    }
    desk.run(&["man", "--out", "man"]);
    for name in ["trueup.1", "trueup-test.1", "trueup-plan-show.1"] {
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(desk.path(&format!("man/{name}")));
        let output = man.env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty() && !output.stdout.is_empty(), "{name}: {said}");
    }
}

#[test]
fn every_shell_gets_a_script() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.run(&["completions", shell]);
        assert!(script.exit == 0 && script.out.contains("trueup"), "{shell}: {}", script.err);
        let asks = script.out.contains("complete --");
        assert_eq!(asks, ["bash", "zsh", "fish"].contains(&shell), "{shell}");
    }
}
