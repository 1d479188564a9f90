//! The moves of records from state to state, as steps: a guarded change of a row, or a request to the service that makes them with the
//! question whether it was carried out.

use super::{
    expand::{RECORD, Writer, assert},
    made::{entry, map, plain, quoted, text, word},
};
use crate::base::{
    shape::Word,
    source::Span,
    yaml::{Entry, Node},
};

/// An expression for the words by which a run knows the records that it has taken, at the end of what is written down then.
pub(super) const OWN: &str = "' (trueup run ' ~ run.id ~ ')'";
/// How it begins what is said of a record that another driver has.
pub(super) const OTHERS: &str = "Another driver works on it, or did meanwhile:";
/// Answers by which a service says that the record is not where a move begins.
const REFUSED: [&str; 4] = ["400", "409", "412", "423"];

/// One move.
pub(super) struct Move<'a> {
    pub id: String,
    pub title: String,
    /// An expression for the state that is left.
    pub from: String,
    pub to: &'a Word,
    /// An expression for what is written down.
    pub text: String,
    /// Where its action stands, and where the question of its probe does.
    pub at: (Span, Span),
    /// An expression that must hold when it is to be made.
    pub when: Option<String>,
    /// It takes the record: of two who make it, one has it.
    pub claims: bool,
}

impl Writer<'_> {
    /// A row of the errors table: whoever asks a service for a record that another one has is refused. That is no failure of the record,
    /// which is moved nowhere; what the table says of it then decides ([`Writer::taken`]).
    pub(super) fn refused_claim(&self) -> Option<Node> {
        let moves = self.lifecycle.moves.as_ref().filter(|moves| moves.methods() == 1)?;
        let at = moves.at;
        let begins = self.lifecycle.stages.iter().map(|stage| text(format!("{}_begin", stage.id.as_str()), at));
        let begins = begins.chain([text("finish", at)]);
        let statuses = REFUSED.iter().map(|status| plain(status, at));
        let say = "The service does not give it away: {{ error.text }}{{ ': ' ~ error.said if error.said is not none else '' }}";
        Some(map(
            [
                ("name", text("another driver has the record", at)),
                ("step", Node::List(begins.collect(), at)),
                ("status", Node::List(statuses.collect(), at)),
                ("then", map([("stop", text(say, at))], at)),
            ],
            at,
        ))
    }

    /// The claim of a record. A service may refuse it for reasons of its own, so the table is asked then: a record that another driver has is
    /// left to it.
    pub(super) fn claim(&self, one: Move<'_>) -> Node {
        let at = one.at.1;
        if self.lifecycle.moves.is_none() {
            return self.moved(one);
        }
        let id = format!("{}_asked", one.id);
        let rescue = vec![self.taken(&one)];
        let steps = vec![self.moved(one)];
        map(
            [
                ("id", text(id, at)),
                ("block", map([("steps", Node::List(steps, at)), ("rescue", Node::List(rescue, at))], at)),
            ],
            at,
        )
    }

    /// Ends the item as skipped if the table shows that another driver has the record. Where it stands as before, and where nobody can tell whose
    /// move it was, it ends as the refusal says.
    fn taken(&self, one: &Move<'_>) -> Node {
        let (lifecycle, at) = (self.lifecycle, Span::new((one.at.1.start + 1).min(one.at.1.end), one.at.1.end));
        let now = format!("{RECORD}.now");
        let state = self.state_of(&now);
        let own = lifecycle.log.as_ref().map_or("true".to_owned(), |log| log.says_own(&now));
        let nobodys = format!("{state} == ({}) or ({state} == {} and ({own}))", one.from, quoted(one.to.as_str()));
        let say = format!("{OTHERS} `{}` is {{{{ {state} }}}}{}.", lifecycle.state.as_str(), self.told(&now));
        assert(nobodys, map([("skip", text(say, at))], at), at)
    }

    /// Whose a record is, as its log tells, or since when: the rest of a sentence about the row with this name.
    pub(super) fn told(&self, row: &str) -> String {
        let since = self.lifecycle.since.as_ref();
        let since = since.map_or(String::new(), |column| format!(" since {{{{ {row}.{} }}}}", column.as_str()));
        let Some(log) = &self.lifecycle.log else { return since };
        let column = log.column.as_str();
        let last = format!("({row}.{column} | default('', true) | trim | lines | last)");
        format!(
            "{{% if '(trueup run ' in {last} %}}; `{column}` ends with {{{{ {last} }}}}{{% else %}}{since}{{% endif %}}"
        )
    }

    pub(super) fn moved(&self, one: Move<'_>) -> Node {
        let (at, _) = one.at;
        let mut all = vec![("id", text(one.id.clone(), at)), ("title", text(one.title.clone(), at))];
        all.extend(one.when.iter().map(|when| ("when", text(when.clone(), at))));
        match &self.lifecycle.moves {
            // Without exactly one method, which is said of `moves` itself, nothing else need be said.
            Some(moves) if moves.methods() == 1 => all.extend(self.by_api(&one)),
            _ => {
                all.push(("row", self.by_sql(&one)));
                if one.claims {
                    // Its guard is the proof that somebody else moved it.
                    let say = text(format!("{OTHERS} {{{{ error.text }}}}"), at);
                    all.push(("otherwise", map([("skip", say)], at)));
                }
            }
        }
        map(all, at)
    }

    /// `{% set move = … %}`: what the author's texts know a move by.
    fn known(&self, one: &Move<'_>) -> String {
        let to = quoted(one.to.as_str());
        format!(
            "{{% set move = {{'from': ({from}), 'to': {to}, 'from_order': run.states[({from})], 'to_order': run.states[{to}], 'text': ({text})}} %}}",
            from = one.from,
            text = one.text,
        )
    }

    fn by_sql(&self, one: &Move<'_>) -> Node {
        let (lifecycle, at) = (self.lifecycle, one.at.0);
        let state = lifecycle.state.as_str();
        let from = || text(format!("{{{{ {} }}}}", one.from), at);
        let mut set = vec![(state, word(one.to))];
        set.extend(lifecycle.previous.iter().map(|previous| (previous.as_str(), from())));
        if let Some(log) = &lifecycle.log {
            let line = text(format!("{}{}", self.known(one), log.line.text), log.line.span);
            set.push((log.column.as_str(), map([("append", line)], log.line.span)));
        }
        map(
            [
                ("table", word(&lifecycle.table)),
                ("key", self.key(at)),
                ("only_if", map([(state, from())], at)),
                ("claim", plain("true", at)),
                ("set", map(set, at)),
            ],
            at,
        )
    }

    /// The request, and the question to the table that tells whether it was carried out.
    fn by_api(&self, one: &Move<'_>) -> Vec<(&'static str, Node)> {
        let (lifecycle, at) = (self.lifecycle, one.at.0);
        let Some(given) = self.given.get("moves") else { return Vec::new() };
        let Node::Map(entries, span) = given else { return Vec::new() };
        let known = self.known(one);
        let call = entries.iter().map(|entry| match &*entry.key.text {
            "api" | "accept" | "timeout" => entry.clone(),
            _ => Entry { key: entry.key.clone(), node: with_move(&entry.node, &known) },
        });
        let asked = one.at.1;
        let log = lifecycle.log.as_ref().filter(|_| one.claims);
        let columns = std::iter::once(&lifecycle.state).chain(log.map(|log| &log.column)).map(word).collect();
        let find = map(
            [
                ("table", word(&lifecycle.table)),
                ("where", self.key(asked)),
                ("columns", Node::List(columns, asked)),
                ("expect", text("one", asked)),
            ],
            asked,
        );
        let state = self.state_of("self");
        let there = format!("{state} == {}", quoted(one.to.as_str()));
        let left = format!("{state} == ({})", one.from);
        let (done, not_done) = match log {
            // Another one may have taken the record while our request was lost: whose it is stands in the log.
            Some(log) => {
                let own = log.says_own("self");
                // And may have gone on with it since: a log in which this run never stands knows of no move of ours.
                let never = format!("({OWN}) not in (self.{} | default('', true))", log.column.as_str());
                (format!("{there} and ({own})"), format!("{left} or ({there} and not ({own})) or {never}"))
            }
            None => (there, left),
        };
        let probe = map(
            [("read", map([("find", find)], asked)), ("done", text(done, asked)), ("not_done", text(not_done, asked))],
            asked,
        );
        let why = "The service itself keeps its records; `trueup lifecycle rewind` puts one back.";
        vec![("http", Node::Map(call.collect(), *span)), ("probe", probe), ("irreversible", text(why, at))]
    }
}

/// Every text in which `move` is spoken of, with what it stands for before it.
fn with_move(node: &Node, known: &str) -> Node {
    match node {
        Node::Scalar(s) if s.text.contains("move.") && s.text.contains("{{") => {
            text(format!("{known}{}", s.text), s.span)
        }
        Node::List(nodes, at) => Node::List(nodes.iter().map(|node| with_move(node, known)).collect(), *at),
        Node::Map(entries, at) => Node::Map(
            entries.iter().map(|e| Entry { key: e.key.clone(), node: with_move(&e.node, known) }).collect(),
            *at,
        ),
        other => other.clone(),
    }
}

/// Puts a row before all others of the errors table.
pub(super) fn in_front(entries: &mut Vec<Entry>, row: Node) {
    let span = row.span();
    let Some(errors) = entries.iter_mut().find(|one| &*one.key.text == "errors") else {
        entries.push(entry("errors", Node::List(vec![row], span), span));
        return;
    };
    match &mut errors.node {
        Node::List(rows, _) => rows.insert(0, row),
        // A shared table, with own rows around it.
        Node::Map(parts, _) => match parts.iter_mut().find(|one| &*one.key.text == "before") {
            Some(Entry { node: Node::List(rows, _), .. }) => rows.insert(0, row),
            // Said where it is read.
            Some(_) => {}
            None => parts.push(entry("before", Node::List(vec![row], span), span)),
        },
        // The same.
        Node::Scalar(_) | Node::Broken(_) => {}
    }
}
