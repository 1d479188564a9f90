//! The ways in which a mock misbehaves, as bytes, pauses and an end. Knows the wire, not the routes.

use crate::words;
use std::time::Duration;

words! {
    "a fault"
    pub enum Fault {
        /// The request is read, nothing is ever answered.
        Hang = "hang",
        /// The request is read, the connection is reset; nothing is changed.
        ResetBefore = "reset_before",
        /// The change is done, then half of the answer's head, then a reset.
        ResetAfter = "reset_after",
        /// The change is done, the connection is closed in good order without a byte.
        DropReply = "drop_reply",
        /// Head and half of the body, then the connection is closed.
        Truncate = "truncate",
        /// A body that is not what its type says.
        Garbled = "garbled",
        /// Bytes that are no HTTP.
        NotHttp = "not_http",
        /// The head, then one byte of the body every 50 ms, or every `delay`.
        SlowDrip = "slow_drip",
        /// A body of 64 MiB.
        Huge = "huge",
        /// A small compressed body that unpacks to 64 MiB.
        Bomb = "bomb",
        /// A body longer than the head says.
        WrongLength = "wrong_length",
    }
}

impl Fault {
    /// Whether the call changes something all the same, unless the file says otherwise.
    pub fn effect_done(self) -> bool {
        !matches!(self, Fault::Hang | Fault::ResetBefore)
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// RST.
    Reset,
    /// FIN.
    Close,
    /// Stays open until the other side gives up.
    Hold,
}

/// What is written to the socket instead of an answer.
#[derive(Debug)]
pub(super) struct Wreck {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// So many bytes of nothing in particular after them.
    pub padding: usize,
    /// So many of the bytes at once, then one by one with this pause.
    pub drip: Option<(usize, Duration)>,
    /// The end.
    pub end: End,
}

const DRIP: Duration = Duration::from_millis(50);
const MIB: usize = 1024 * 1024;

impl Wreck {
    /// What becomes of an answer (`head` without content length and final empty line, lines ended by CRLF) under a fault.
    pub fn of(fault: Fault, head: &str, body: &[u8], pause: Option<Duration>) -> Wreck {
        // Who closes says so, as a server should (RFC 9112, 9.6): else the next call may go into a connection that is just ending, and what
        // was to be one fault is two.
        let head = if fault == Fault::ResetAfter { head.to_owned() } else { format!("{head}connection: close\r\n") };
        let with =
            |length: usize, body: &[u8]| [format!("{head}content-length: {length}\r\n\r\n").as_bytes(), body].concat();
        let whole = |bytes: Vec<u8>, end: End| Wreck { bytes, padding: 0, drip: None, end };
        match fault {
            Fault::Hang => whole(Vec::new(), End::Hold),
            Fault::ResetBefore => whole(Vec::new(), End::Reset),
            Fault::ResetAfter => whole(head.as_bytes()[..head.len() / 2].to_vec(), End::Reset),
            Fault::DropReply => whole(Vec::new(), End::Close),
            // An empty body cannot be cut: one byte is promised and never comes.
            Fault::Truncate => whole(with(body.len().max(1), &body[..body.len() / 2]), End::Close),
            Fault::Garbled => whole(with(GARBAGE.len(), GARBAGE), End::Close),
            Fault::NotHttp => whole(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), End::Close),
            Fault::SlowDrip => {
                let all = with(body.len(), body);
                Wreck { drip: Some((all.len() - body.len(), pause.unwrap_or(DRIP))), ..whole(all, End::Close) }
            }
            Fault::Huge => Wreck { padding: 64 * MIB, ..whole(with(64 * MIB, &[]), End::Close) },
            Fault::Bomb => {
                let packed = zeros(64 * MIB);
                let head = format!("{head}content-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len());
                whole([head.as_bytes(), &packed].concat(), End::Close)
            }
            Fault::WrongLength => whole(with(body.len() / 2, body), End::Close),
        }
    }
}

/// Neither JSON nor UTF-8.
const GARBAGE: &[u8] = b"{\"trn\": \xff\xfe\x00 <html>";

/// A gzip stream of `length` zero bytes (rounded up to 258): one literal, then "258 more of the same" again and again,
/// in the fixed Huffman code of RFC 1951. The checksum at its end is missing; readers that get there have lost already.
fn zeros(length: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut bits, mut count) = (0u32, 0u32);
    let mut push = |code: u32, width: u32| {
        bits |= code << count;
        count += width;
        while count >= 8 {
            out.push((bits & 0xff) as u8);
            bits >>= 8;
            count -= 8;
        }
    };
    push(0b011, 3); // last block, fixed code (low bit first)
    push(0b0000_1100, 8); // literal 0: 00110000, most significant bit first
    for _ in 0..length.div_ceil(258) {
        push(0b1010_0011, 8); // length 258: 11000101
        push(0, 5); // distance 1
    }
    push(0, 7); // end of block
    push(0, 7);
    out
}
