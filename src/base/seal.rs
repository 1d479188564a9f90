//! Sealed values: personal data in journal and plan, encrypted so that undo can still restore it.
//!
//! XChaCha20-Poly1305 under a key that sealed texts name by its id; the key itself stands in a file of its own
//! (`key_file`). Secrets are not sealed but left out: they are read again from where they are kept. Nonces come from
//! the operating system and not from [`super::world::World`]: a nonce that a test or a resumed run could repeat would
//! open two texts at once. Knows nothing of events or plans.

use super::{
    canonical, json, key_file,
    secret::{Masks, MasksNow},
    value::{Data, Marks, Value},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{cell::Cell, fmt, path::Path, path::PathBuf, sync::Arc};

/// Why the content of a part that was sealed is unknown: the key is not at hand.
pub const SEALED: &str = "sealed";
/// Why the content of a part that was secret is unknown: it was not stored.
pub const NOT_STORED: &str = "not stored";

/// First part of a sealed text; bound into the encryption.
const FORM: &str = "sealed1";
/// Sealed values are filled up to a multiple of this, so that their length does not tell `male` from `female`.
const BLOCK: usize = 32;
const NONCE: usize = 24;

/// Seals and opens values. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sealer {
    keys: Option<Arc<Keys>>,
    masks: Masks,
}

struct Keys {
    id: String,
    cipher: XChaCha20Poly1305,
    fingerprints: Hmac<Sha256>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.id)
    }
}

impl Sealer {
    /// With the key of this file, which is made (mode 0600, in a folder made 0700) if it is missing. Refuses a file
    /// that others may read. A value that holds one of the `masks` is sealed although nothing marks it.
    pub fn open_or_create(path: &Path, masks: Masks) -> Result<Sealer, SealError> {
        Sealer::of(path, masks, key_file::open_or_create)
    }

    /// With the key of this file, which must be there.
    pub fn open(path: &Path, masks: Masks) -> Result<Sealer, SealError> {
        Sealer::of(path, masks, key_file::open)
    }

    /// With a key of its own that no file holds: what it seals can be opened by nobody else, and by nobody later.
    pub fn passing(masks: Masks) -> Result<Sealer, SealError> {
        Sealer::of(Path::new("(a key that is not kept)"), masks, |_| key_file::passing())
    }

    /// Without a key: reads what is not sealed, and refuses to store what would have to be.
    pub fn without_key(masks: Masks) -> Sealer {
        Sealer { keys: None, masks }
    }

    fn of(
        path: &Path,
        masks: Masks,
        key: impl Fn(&Path) -> Result<key_file::Key, String>,
    ) -> Result<Sealer, SealError> {
        let bad = |why| SealError::KeyFile { path: path.to_owned(), why };
        let sealer = Sealer { keys: Some(Arc::new(Keys::derive(&key(path).map_err(bad)?))), masks };
        // A cipher that does not give back what it took would be noticed at the first undo: too late.
        let probe = "round trip";
        match sealer.open_text(&sealer.seal(probe)?) {
            Ok(back) if back == probe => Ok(sealer),
            _ => Err(bad("a sealed text did not come back as it was".into())),
        }
    }

    /// The name of the key, which every text sealed with it carries.
    pub fn key_id(&self) -> Option<&str> {
        self.keys.as_ref().map(|keys| keys.id.as_str())
    }

    /// `sealed1.KEYID.…`; the same text gives another result each time.
    pub fn seal(&self, plain: &str) -> Result<String, SealError> {
        let keys = self.keys.as_ref().ok_or(SealError::NoKey)?;
        let mut bytes = vec![0; NONCE];
        getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
        let name = format!("{FORM}.{}", keys.id);
        let payload = Payload { msg: plain.as_bytes(), aad: name.as_bytes() };
        let secret = keys.cipher.encrypt(XNonce::from_slice(&bytes), payload).map_err(|_| SealError::Damaged)?;
        bytes.extend(secret);
        Ok(format!("{name}.{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What [`Sealer::seal`] was given.
    pub fn open_text(&self, sealed: &str) -> Result<String, SealError> {
        let keys = self.keys.as_ref().ok_or(SealError::NoKey)?;
        let (name, body) = sealed.rsplit_once('.').ok_or(SealError::Damaged)?;
        match name.split_once('.') {
            Some((FORM, id)) if id == keys.id => {}
            Some((FORM, id)) => return Err(SealError::OtherKey { sealed: id.to_owned(), ours: keys.id.clone() }),
            _ => return Err(SealError::Damaged),
        }
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Damaged)?;
        let (nonce, secret) = bytes.split_at_checked(NONCE).ok_or(SealError::Damaged)?;
        let payload = Payload { msg: secret, aad: name.as_bytes() };
        let plain = keys.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| SealError::Damaged)?;
        String::from_utf8(plain).map_err(|_| SealError::Damaged)
    }

    /// Equal exactly for the same value (1.0 = 1.00), and of no use to somebody without the key who tries out all
    /// birthdays: 64 hexadecimal digits of an HMAC.
    pub fn fingerprint(&self, value: &Value) -> Result<String, SealError> {
        let mut mac = self.keys.as_ref().ok_or(SealError::NoKey)?.fingerprints.clone();
        mac.update(&canonical::bytes(value));
        Ok(super::value::hex(&mac.finalize().into_bytes())[2..].to_owned())
    }

    /// The stored form of a value ([`json::encode`]): personal parts sealed, secret parts left out, and any text that
    /// holds a registered secret sealed too. Null stays visible, as in every diff.
    ///
    /// Fails without a key when something has to be sealed, and on a value that is nested too deeply to be read back.
    pub fn sealed_json(&self, value: &Value) -> Result<String, SealError> {
        let mut writing = self.writing();
        writing.value(value);
        writing.end()
    }

    /// A document that is written part by part, in the same form.
    pub fn writing(&self) -> Writing<'_> {
        Writing {
            sealer: self,
            masks: self.masks.now(),
            out: String::with_capacity(1024),
            failed: None,
            depth: 0,
            deep: false,
        }
    }

    /// A personal part with all that is in it, but for the secrets.
    fn sealed_part(&self, part: &Value) -> Result<String, SealError> {
        let masks = self.masks.now();
        let plain = json::encode_with(part, &|inner| {
            // What was sealed because it holds a registered secret is marked from here on, and is still restored.
            let secret = !std::ptr::eq(inner, part) && matches!(hiding(inner, &masks), Hiding::LeftOut);
            secret.then(left_out)
        });
        self.seal(&filled(readable(plain)?))
    }

    /// The way back from [`Sealer::sealed_json`]. Without the key, sealed parts are unknown ([`SEALED`]); parts that
    /// were left out always are ([`NOT_STORED`]). Both keep the marks that hide them.
    pub fn open_json(&self, text: &str) -> Result<Value, SealError> {
        let failed = Cell::new(None);
        let value = json::decode_with(text, &|tag, inner| self.restored(tag, inner, &failed));
        value.map_err(|e| failed.into_inner().unwrap_or(SealError::Unstorable(e.what)))
    }

    /// The same of a record that `take` reads field by field. Nothing where it cannot: [`Sealer::open_json`] says why.
    pub fn open_as<T>(&self, text: &str, take: impl FnOnce(&mut json::Cursor<'_, '_>) -> Option<T>) -> Option<T> {
        let failed = Cell::new(None);
        json::decode_as(text, &|tag, inner| self.restored(tag, inner, &failed), take)
    }

    fn restored(&self, tag: &str, inner: &Value, failed: &Cell<Option<SealError>>) -> Option<Value> {
        match tag {
            "$secret" => Some(not_stored()),
            "$sealed" if self.keys.is_none() => Some(Value::from(Data::Unknown(SEALED.into())).marked(Marks::PERSONAL)),
            "$sealed" => {
                let opened = self.open_text(inner.as_str()?).and_then(|plain| {
                    let inner = json::decode_with(&plain, &|tag, _| (tag == "$secret").then(not_stored));
                    inner.map_err(|_| SealError::Damaged)
                });
                opened.map_err(|e| failed.set(Some(e))).ok()
            }
            _ => None,
        }
    }

    /// A registered secret stands in the text, in whatever form.
    pub fn catches(&self, text: &str) -> bool {
        self.masks.catches(text)
    }

    /// The text for a place that cannot be sealed, with registered secrets masked.
    pub fn masked(&self, text: &str) -> String {
        self.masks.apply(text)
    }
}

/// A document in the stored form, written part by part: the parts of a record need no tree of their own.
pub struct Writing<'s> {
    sealer: &'s Sealer,
    masks: MasksNow,
    out: String,
    failed: Option<SealError>,
    /// So many records and lists are open.
    depth: u32,
    /// Perhaps nested too deeply to be read back: to be looked through at its end.
    deep: bool,
}

/// Values and records that are nested less need no look at what was written of them: a level of a value takes three brackets at most (its marks, its tag and
/// its own), and what is behind the last one as well, so both together stay below what [`json::is_shallow`] allows.
const LEVELS: (u32, u32) = (10, 60);

impl Writing<'_> {
    /// A value, with what is hidden in it sealed or left out.
    pub fn value(&mut self, value: &Value) {
        let (sealer, masks, failed) = (self.sealer, &self.masks, Cell::new(None));
        json::encode_onto(&mut self.out, value, &|part| {
            let sealed = match hiding(part, masks) {
                Hiding::Plain => return None,
                Hiding::LeftOut => return Some(left_out()),
                Hiding::Sealed(marks) => sealer.sealed_part(&part.clone().marked(marks)),
            };
            let text = sealed.map_err(|e| failed.set(Some(e))).unwrap_or_default();
            Some(Value::map([("$sealed", Value::from(text))]))
        });
        self.failed = self.failed.take().or(failed.into_inner());
        self.deep |= value.is_deeper_than(LEVELS.0);
    }

    /// A text without marks.
    pub fn text(&mut self, text: &str) {
        if self.masks.catches(text) {
            return self.value(&Value::from(text));
        }
        json::quote(text, &mut self.out);
    }

    /// A whole number.
    pub fn number(&mut self, number: i64) {
        json::number_text(number, &mut self.out);
    }

    /// What stands for itself: a bracket, `true`, `null`.
    pub fn raw(&mut self, text: &str) {
        self.out.push_str(text);
        match text {
            "{" | "[" => self.depth += 1,
            "}" | "]" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.deep |= self.depth > LEVELS.1;
    }

    /// A part of a document of ours, as it stood there: it could be read back when that was written. Without the key nobody knows whose it was.
    pub fn part(&mut self, text: &str) {
        self.out.push_str(text);
        self.deep |= self.sealer.keys.is_none();
    }

    /// A field of a record, in the words of the house, behind `{` or another one. `write` says whether there is anything; if not, the name
    /// is left out too.
    pub fn field(&mut self, name: &'static str, write: impl FnOnce(&mut Self) -> bool) {
        let (before, depth) = (self.out.len(), self.depth);
        self.separate(b'{');
        // Names of ours need no escapes.
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        if !write(self) {
            self.out.truncate(before);
            self.depth = depth;
        }
    }

    /// An element of a list, behind `[` or another one; nothing where `write` says that there is none.
    pub fn element(&mut self, write: impl FnOnce(&mut Self) -> bool) {
        let (before, depth) = (self.out.len(), self.depth);
        self.separate(b'[');
        if !write(self) {
            self.out.truncate(before);
            self.depth = depth;
        }
    }

    fn separate(&mut self, begin: u8) {
        if self.out.as_bytes().last() != Some(&begin) {
            self.out.push(',');
        }
    }

    /// The text, if all of it could be hidden as it must be, and can be read back.
    pub fn end(self) -> Result<String, SealError> {
        match self.failed {
            Some(failed) => Err(failed),
            None if self.deep => readable(self.out),
            None => {
                debug_assert!(json::is_shallow(&self.out) && json::parse(&self.out).is_ok(), "{}", self.out);
                Ok(self.out)
            }
        }
    }
}

fn hiding(part: &Value, masks: &MasksNow) -> Hiding {
    // A JSON document is one part: its text cannot be sealed piecewise.
    let marks = match &part.data {
        Data::Json(document) => part.marks | document.tree().all_marks(),
        _ => part.marks,
    };
    if marks.has(Marks::SECRET) {
        Hiding::LeftOut
    } else if marks.has(Marks::PERSONAL) && !part.is_null() {
        Hiding::Sealed(marks)
    } else if holds_a_secret(part, masks) {
        Hiding::Sealed(marks | Marks::SECRET)
    } else {
        Hiding::Plain
    }
}

/// A registered secret stands in it: in a text, or in a name that an answer chose. (Numbers and times are left
/// aside: a secret of four digits would hide half of them.)
fn holds_a_secret(part: &Value, masks: &MasksNow) -> bool {
    let caught = |text: &str| masks.catches(text);
    match &part.data {
        Data::Text(text) => caught(text),
        Data::Json(document) => caught(document.text()),
        Data::Bytes(bytes) => caught(&super::value::hex(bytes)) || std::str::from_utf8(bytes).is_ok_and(caught),
        Data::Unknown(why) => caught(why),
        Data::Map(entries) => entries.keys().any(|name| caught(name)),
        _ => false,
    }
}

enum Hiding {
    Plain,
    LeftOut,
    /// With these marks put on the content.
    Sealed(Marks),
}

impl Keys {
    fn derive(master: &key_file::Key) -> Keys {
        let purpose = |name: &str| mac(master.as_ref()).chain_update(name).finalize().into_bytes();
        Keys {
            id: super::value::hex(&purpose("trueup key id"))[2..18].to_owned(),
            cipher: XChaCha20Poly1305::new(&purpose("trueup seal v1")),
            fingerprints: mac(&purpose("trueup fingerprint v1")),
        }
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length; the error type exists for other MACs.
    <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!("a key of {} bytes", key.len()))
}

/// What stands in the place of a secret.
fn left_out() -> Value {
    Value::map([("$secret", Value::from(true))])
}

fn not_stored() -> Value {
    Value::from(Data::Unknown(NOT_STORED.into())).marked(Marks::SECRET)
}

/// What cannot be read back must not be written: better refused before the effect than found out at resume.
fn readable(text: String) -> Result<String, SealError> {
    if json::is_shallow(&text) {
        debug_assert!(json::parse(&text).is_ok(), "{text}");
        return Ok(text);
    }
    json::parse(&text).map(|_| text).map_err(|e| SealError::Unstorable(e.what))
}

/// Blanks at the end, which JSON ignores.
fn filled(mut text: String) -> String {
    let length = text.len().next_multiple_of(BLOCK);
    text.extend(std::iter::repeat_n(' ', length - text.len()));
    text
}

/// Why something could not be sealed or opened. Reads well after "failed to …: ".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The file of the key is unusable, and why.
    KeyFile {
        /// The file.
        path: PathBuf,
        /// A fragment that may end with what to do.
        why: String,
    },
    /// There is something to seal or open, and no key.
    NoKey,
    /// Sealed with another key.
    OtherKey {
        /// The id of the key that would open it.
        sealed: String,
        /// The id of the key at hand.
        ours: String,
    },
    /// Not a sealed text, or changed since.
    Damaged,
    /// The operating system gave none.
    NoRandomness,
    /// The value has no stored form that could be read back, and why.
    Unstorable(&'static str),
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealError::KeyFile { path, why } => write!(f, "use the key file {}: {why}", path.display()),
            SealError::NoKey => f.write_str("a personal value is involved and there is no key to seal or open it"),
            SealError::OtherKey { sealed, ours } => {
                write!(f, "the value was sealed with key {sealed}, the key file holds {ours}")
            }
            SealError::Damaged => f.write_str("a sealed value is damaged or was changed"),
            SealError::NoRandomness => f.write_str("the operating system gave no randomness"),
            SealError::Unstorable(why) => write!(f, "the value cannot be stored: {why}"),
        }
    }
}
impl std::error::Error for SealError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;

    fn sealer() -> Sealer {
        let home = tempfile::tempdir().unwrap();
        Sealer::open_or_create(&home.path().join("seal.key"), Masks::default()).unwrap()
    }

    fn row() -> Value {
        Value::map([
            ("id", Value::from(7)),
            ("email", Value::from("ada@example.org").marked(Marks::PERSONAL)),
            ("born", Value::from(Data::Date("1815-12-10".parse().unwrap())).marked(Marks::PERSONAL | Marks::CLOCK)),
            ("token", Value::from("s3cr3t-t0ken").marked(Marks::SECRET)),
            ("gone", Value::NULL.marked(Marks::PERSONAL)),
            ("$sealed", Value::from("an author's own key")),
        ])
    }

    #[test]
    fn personal_parts_are_sealed_and_secret_ones_left_out() {
        let sealer = sealer();
        let text = sealer.sealed_json(&row()).unwrap();
        // No shorter ones: three letters may stand in any sealed text.
        for word in ["ada@example", "1815-12", "s3cr3t"] {
            assert!(!text.contains(word), "{text}");
        }
        let back = sealer.open_json(&text).unwrap();
        for name in ["id", "email", "born", "gone", "$sealed"] {
            assert_eq!(format!("{:?}", back.get(name)), format!("{:?}", row().get(name)));
        }
        let token = back.get("token").unwrap();
        assert!(token.is_unknown() && token.marks.has(Marks::SECRET));
    }

    #[test]
    fn without_the_key_parts_are_unknown_and_stay_masked() {
        let text = sealer().sealed_json(&row()).unwrap();
        let back = Sealer::without_key(Masks::default()).open_json(&text).unwrap();
        assert_eq!(back.get("email").unwrap().plain(), "(personal)");
        assert!(back.get("email").unwrap().is_unknown() && !back.get("id").unwrap().is_unknown());
        assert_eq!(Sealer::without_key(Masks::default()).sealed_json(&row()), Err(SealError::NoKey));
        assert!(Sealer::without_key(Masks::default()).sealed_json(&Value::from("plain")).is_ok());
    }

    #[test]
    fn a_secret_inside_a_personal_part_is_left_out_too() {
        let sealer = sealer();
        let part = Value::map([("pin", Value::from("4711").marked(Marks::SECRET)), ("name", Value::from("Ada"))]);
        let back = sealer.open_json(&sealer.sealed_json(&part.marked(Marks::PERSONAL)).unwrap()).unwrap();
        assert!(back.marks.has(Marks::PERSONAL) && back.get("pin").unwrap().is_unknown());
        assert_eq!(back.get("name").unwrap().bare(), "Ada");
    }

    #[test]
    fn a_document_with_a_personal_part_is_sealed_whole() {
        let inner = Value::map([("name", Value::from("Ada Lovelace").marked(Marks::PERSONAL))]);
        let text = sealer().sealed_json(&Data::Json(Arc::new(json::Json::of(inner))).into()).unwrap();
        assert!(!text.contains("Ada Lovelace"));
    }

    #[test]
    fn a_text_that_holds_a_registered_secret_is_sealed_and_hidden_afterwards() {
        let sealer = sealer();
        sealer.masks.add(&Secret::new("hunter22"));
        let text = sealer.sealed_json(&Value::list([Value::from("url?key=hunter22"), Value::from("url")])).unwrap();
        assert!(!text.contains("hunter22"));
        let back = sealer.open_json(&text).unwrap();
        let parts = back.as_list().unwrap();
        assert_eq!((parts[0].bare(), parts[0].plain()), ("url?key=hunter22".into(), "(secret)".into()));
        assert_eq!(parts[1].plain(), "url");
    }

    #[test]
    fn a_changed_or_foreign_sealed_text_is_refused() {
        let sealer = sealer();
        let sealed = sealer.seal("Ada").unwrap();
        assert_ne!(sealed, sealer.seal("Ada").unwrap());
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(sealer.open_text(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at}");
        }
        assert!(matches!(self::sealer().open_text(&sealed), Err(SealError::OtherKey { .. })));
    }

    #[test]
    fn the_length_tells_nothing_and_fingerprints_need_the_key() {
        let (one, other) = (sealer(), sealer());
        let personal = |text: &str| Value::from(text).marked(Marks::PERSONAL);
        assert_eq!(
            one.sealed_json(&personal("male")).unwrap().len(),
            one.sealed_json(&personal("female")).unwrap().len()
        );
        let decimal = |text: &str| Value::from(Data::Decimal(text.parse().unwrap()));
        assert_eq!(one.fingerprint(&decimal("1.0")), one.fingerprint(&decimal("1.00")));
        assert_ne!(one.fingerprint(&decimal("1.0")), one.fingerprint(&decimal("1.1")));
        assert_ne!(one.fingerprint(&decimal("1.0")), other.fingerprint(&decimal("1.0")));
    }

    #[test]
    fn a_value_that_could_not_be_read_back_is_refused() {
        let deep = (0..200).fold(Value::from(1), |inner, _| Value::list([inner]));
        assert!(matches!(sealer().sealed_json(&deep), Err(SealError::Unstorable(_))));
    }

    #[test]
    fn what_is_written_can_be_read_back_or_is_refused_whatever_it_is_nested_in() {
        let sealer = sealer();
        type Wrap = fn(Value) -> Value;
        let wraps: [Wrap; 4] = [
            |inner| Value::list([inner]),
            |inner| Value::map([("a", inner)]),
            // With a tag for its names, and one for its marks.
            |inner| Value::map([("$a", inner)]),
            |inner| Value::map([("$a", inner)]).marked(Marks::EXAMPLE),
        ];
        let (mut written, mut refused) = (0, 0);
        for wrap in wraps {
            for (records, levels) in
                (0..140).flat_map(|records| [0, 5, 10, 11, 30, 64, 127].map(|levels| (records, levels)))
            {
                let moment = Value::from(Data::Instant(crate::base::time::Stamp { micros: 1, digits: 6 }));
                let value = (0..levels).fold(moment.marked(Marks::EXAMPLE), |inner, _| wrap(inner));
                let mut writing = sealer.writing();
                (0..records).for_each(|_| writing.raw("["));
                writing.value(&value);
                (0..records).for_each(|_| writing.raw("]"));
                let readable = json::parse(&writing.out).is_ok();
                assert_eq!(writing.end().is_ok(), readable, "{records} {levels}");
                *(if readable { &mut written } else { &mut refused }) += 1;
            }
        }
        assert!(written > 100 && refused > 100, "{written} {refused}");
    }
}
