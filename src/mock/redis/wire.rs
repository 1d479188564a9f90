//! The protocol (RESP 2): lists of texts in, replies out.

use super::{Shared, store::Reply};
use crate::base::world::World;
use std::io;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// More words, or longer ones, no command of ours has.
const MOST: usize = 16 * 1024 * 1024;

pub async fn serve(listener: TcpListener, shared: Shared, world: World) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let _ = stream.set_nodelay(true);
                    open.spawn(talk(stream, shared.clone(), world.clone()));
                }
            }
            Some(_) = open.join_next() => {}
        }
    }
}

/// Until the other side goes, or says what is no command.
async fn talk(stream: TcpStream, shared: Shared, world: World) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(words) = command(&mut stream).await? {
        let reply = shared.store().answer(&words, world.now());
        let mut out = Vec::new();
        write(&reply, &mut out);
        stream.write_all(&out).await?;
        stream.flush().await?;
    }
    Ok(())
}

fn odd() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no command")
}

async fn count(stream: &mut BufReader<TcpStream>, sign: u8) -> io::Result<Option<usize>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let text = line.strip_prefix(&[sign]).and_then(|rest| std::str::from_utf8(rest).ok()).ok_or_else(odd)?;
    text.trim_end().parse().ok().filter(|n| *n <= MOST).map(Some).ok_or_else(odd)
}

async fn command(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<Vec<u8>>>> {
    let Some(words) = count(stream, b'*').await? else { return Ok(None) };
    let mut all = Vec::new();
    for _ in 0..words {
        let length = count(stream, b'$').await?.ok_or_else(odd)?;
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).await?;
        word.truncate(length);
        all.push(word);
    }
    Ok(Some(all))
}

fn write(reply: &Reply, out: &mut Vec<u8>) {
    match reply {
        Reply::Word(word) => out.extend(format!("+{word}\r\n").bytes()),
        Reply::Error(text) => out.extend(format!("-{text}\r\n").bytes()),
        Reply::Number(n) => out.extend(format!(":{n}\r\n").bytes()),
        Reply::Text(None) => out.extend(b"$-1\r\n"),
        Reply::Text(Some(text)) => {
            out.extend(format!("${}\r\n", text.len()).bytes());
            out.extend(text);
            out.extend(b"\r\n");
        }
        Reply::Many(all) => {
            out.extend(format!("*{}\r\n", all.len()).bytes());
            all.iter().for_each(|one| write(one, out));
        }
    }
}
