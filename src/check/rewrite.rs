//! Why a file is not rewritten, by `trueup fmt` or `trueup fix`.

use crate::base::diagnostic::Code;

/// Left as it is.
pub static NOT_REWRITTEN: Code = Code {
    id: "E0703",
    title: "a file that cannot be rewritten safely",
    explain: "`trueup fmt` and `trueup fix` read what they have made before they write it: it must say the same as before (but for what was \
        to be changed), and formatting it again must change nothing. Where that is not so, the file is left as it is. Most often an \
        unusual way of writing YAML is the reason (a key in `? …`, a text over several lines inside braces): write it plainly. If \
        the file looks plain, this is a mistake of trueup: please report it with the file.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NOT_REWRITTEN];
