//! Connections: what each one is, and whether its address could be used at all.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{BAD_FORM, ONE_OF, UNKNOWN_KEY},
    },
    check::knowledge::Knowledge,
    connection::{
        http::{HttpSettings, policy::Base},
        reference::Setting,
        settings::Connection,
    },
    playbook::project::Project,
};

/// The address of an API is refused whenever it is opened.
pub static ADDRESS: Code = Code {
    id: "E0618",
    title: "an address that no call may go to",
    explain: "`base:` of an `http` connection is `https://host[:port][/path]`. An address inside our own network (127.0.0.1, 10.0.0.0/8 and their \
        kin) needs `internal: true`, so that nobody leads a playbook there by mistake, and `http` without TLS to any other machine needs \
        `insecure_http: true`. Users and passwords belong under `auth:`. An environment that plays the API by a mock needs no address.",
};

/// All codes of this file; the connection itself knows what else is wrong with it.
pub static CODES: &[&Code] = &[&ONE_OF, &BAD_FORM, &ADDRESS];

/// Looks at every connection.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    for (name, connection) in project.connections.iter() {
        // With `sqlit:` or `host:` nothing is missing: it is written in other words, and that is told already.
        let next =
            project.connections.iter().map(|(_, other)| other.at.start).filter(|start| *start > connection.at.start);
        let unread = problems.any_between(&UNKNOWN_KEY, connection.at.start, next.min().unwrap_or(usize::MAX));
        let missing = |problem: &Diagnostic| unread && std::ptr::eq(problem.code, &ONE_OF);
        let found = connection.problems(name).into_iter().filter(|problem| !missing(problem));
        found.for_each(|problem| problems.push(problem));
        passwords(name, connection, problems);
        for settings in apis(project, connection) {
            address(settings, problems);
        }
    }
}

/// The settings by which an API is really called: not those that a mock stands in for in every environment.
fn apis<'a>(project: &'a Project, connection: &'a Connection) -> Vec<&'a HttpSettings> {
    let own = connection.per_environment.iter().filter_map(|(_, over)| over.http.as_ref());
    let over = |name: &str| connection.per_environment.get(name).is_some_and(|o| o.http.is_some() || o.mock.is_some());
    let everywhere = project.environments.names().next().is_some() && project.environments.names().all(over);
    connection.http.iter().filter(|_| !everywhere).chain(own).collect()
}

fn address(settings: &HttpSettings, problems: &mut Diagnostics) {
    let Setting::Plain(word) = &settings.base else { return };
    let is = |given: Option<bool>| given == Some(true);
    match Base::parse(word.as_str(), is(settings.internal), is(settings.insecure_http)) {
        Err(refused) => problems.push(Diagnostic::error(&ADDRESS, word.span, refused.what).help(refused.help)),
        // The one name that leads to the same place everywhere.
        Ok(base) if base.host() == "localhost" && !is(settings.internal) => problems.push(
            Diagnostic::error(&ADDRESS, word.span, "localhost is this machine")
                .help("if the API is meant to be there, say `internal: true` in the connection"),
        ),
        Ok(_) => {}
    }
}

/// The address of a database that holds a password where everybody can read it. (That of background jobs is looked at with them.)
fn passwords(name: &str, connection: &Connection, problems: &mut Diagnostics) {
    let overs = || connection.per_environment.iter().map(|(_, over)| over);
    let postgres = connection.postgres.iter().chain(overs().filter_map(|over| over.postgres.as_ref()));
    let mysql = connection.mysql.iter().chain(overs().filter_map(|over| over.mysql.as_ref()));
    let urls = postgres.map(|p| [&p.url, &p.read_url]).chain(mysql.map(|m| [&m.url, &m.read_url]));
    for setting in urls.flatten().flatten() {
        let Setting::Plain(word) = setting else { continue };
        if url::Url::parse(word.as_str()).is_ok_and(|url| url.password().is_some()) {
            problems.push(
                // The text itself is not repeated.
                Diagnostic::error(&BAD_FORM, word.span, format!("the address of `{name}` holds a password")).help(
                    "give it by a reference: `url: { secret: NAME }`, and the whole address in the variable NAME",
                ),
            );
        }
    }
}
