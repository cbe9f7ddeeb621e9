//! Alarms by syslog: one message each, as RFC 5424 writes it.

use std::io::Write as _;
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use vault::Severity;

use super::Sender;
use super::queue::{Bundle, Message};
use super::settings::Syslog;

/// How long a receiver may keep us.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of one message that every receiver of datagrams should take (RFC 5424, 6.1: 2,048 octets).
const MESSAGE_MAX: usize = 2_048;
/// Facility local0 (RFC 5424, table 1).
const FACILITY: u8 = 16;

/// Sends a bundle, message by message. By datagrams nobody says whether it arrived.
///
/// # Errors
/// The receiver is not there, or does not take it.
pub(super) fn send(to: &Syslog, sender: &Sender, bundle: &Bundle) -> Result<(), String> {
    let lines = bundle.messages.iter().map(|message| line(sender, message));
    let all: Vec<String> = lines.chain((bundle.dropped > 0).then(|| dropped(sender, bundle))).collect();
    let (whom, done) = match to {
        Syslog::Udp(address) => (address.clone(), by_udp(address, &all)),
        Syslog::Tcp(address) => (address.clone(), by_tcp(address, &all)),
        Syslog::Unix(path) => (path.display().to_string(), by_socket(path, &all)),
    };
    done.map_err(|e| format!("syslog {whom}: {e}"))
}

fn by_udp(address: &str, all: &[String]) -> std::io::Result<()> {
    let to = resolved(address)?;
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from)?;
    socket.connect(to)?;
    all.iter().try_for_each(|line| socket.send(line.as_bytes()).map(drop))
}

fn by_tcp(address: &str, all: &[String]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&resolved(address)?, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    for line in all {
        // Octet counting: RFC 6587, 3.4.1.
        stream.write_all(format!("{} {line}", line.len()).as_bytes())?;
    }
    stream.flush()?;
    stream.shutdown(std::net::Shutdown::Write)
}

fn by_socket(path: &std::path::Path, all: &[String]) -> std::io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    if socket.connect(path).is_ok() {
        return all.iter().try_for_each(|line| socket.send(line.as_bytes()).map(drop));
    }
    // Some daemons listen for a stream; then a line end parts messages.
    let mut stream = UnixStream::connect(path)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    all.iter().try_for_each(|line| stream.write_all(format!("{line}\n").as_bytes()))
}

fn resolved(address: &str) -> std::io::Result<std::net::SocketAddr> {
    let nowhere = || std::io::Error::new(std::io::ErrorKind::NotFound, "no such host");
    address.to_socket_addrs()?.next().ok_or_else(nowhere)
}

fn line(sender: &Sender, message: &Message) -> String {
    let level = match message.severity {
        // alert, warning, notice
        Severity::Urgent => 1,
        Severity::Warning => 4,
        Severity::Told => 5,
    };
    written(
        sender,
        level,
        &message.at.to_string(),
        message.word.text(),
        &format!("{}: {}", message.word.text(), message.text),
    )
}

fn dropped(sender: &Sender, bundle: &Bundle) -> String {
    let at = bundle.messages.last().map_or_else(|| "-".to_owned(), |message| message.at.to_string());
    written(
        sender,
        4,
        &at,
        "dropped",
        &format!("{} further alarms were not kept; they are in the journal", bundle.dropped),
    )
}

fn written(sender: &Sender, level: u8, at: &str, id: &str, text: &str) -> String {
    let priority = FACILITY.saturating_mul(8).saturating_add(level);
    let host: String = sender.host.chars().filter(char::is_ascii_graphic).take(255).collect();
    let host = if host.is_empty() { "-".to_owned() } else { host };
    // The mark of UTF-8 stands before the text (RFC 5424, 6.4).
    let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line =
        format!("<{priority}>1 {at} {host} amethyst {} {id} - \u{feff}{one_line}", std::process::id());
    let mut end = line.len().min(MESSAGE_MAX);
    while !line.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    line.truncate(end);
    line
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use shared::UtcMicros;

    use super::super::queue::Word;
    use super::*;

    fn bundle() -> Bundle {
        let message = |text: &str, severity| Message {
            at: UtcMicros(1_795_442_400_123_456),
            word: Word::Begun,
            severity,
            key: "k".into(),
            text: text.into(),
        };
        let long = format!("{}\u{e9}", "x".repeat(3_000));
        Bundle {
            messages: vec![message("the disk\nfails", Severity::Urgent), message(&long, Severity::Told)],
            dropped: 3,
        }
    }

    #[test]
    fn a_message_is_written_as_rfc_5424_says() {
        let text = line(&Sender::for_tests("Town hall"), &bundle().messages[0]);
        let (head, said) = text.split_once('\u{feff}').unwrap();
        let parts: Vec<&str> = head.split(' ').collect();
        assert_eq!(parts[..4], ["<129>1", "2026-11-23T14:00:00.123456Z", "recorder-1", "amethyst"], "{head}");
        assert_eq!((parts[5], parts[6], said), ("begun", "-", "begun: the disk fails"));
    }

    #[test]
    fn real_receivers_get_all_of_it_over_udp_tcp_and_the_local_socket() {
        let (sender, bundle) = (Sender::for_tests("Town hall"), bundle());
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap().to_string();
        send(&Syslog::Udp(address), &sender, &bundle).unwrap();
        let mut space = [0; 4_096];
        let sizes: Vec<usize> = (0..3).map(|_| udp.recv(&mut space).unwrap()).collect();
        assert_eq!(sizes[1], MESSAGE_MAX, "cut at the limit of a datagram: {sizes:?}");

        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap().to_string();
        let take = move || {
            let mut text = String::new();
            tcp.accept().unwrap().0.read_to_string(&mut text).unwrap();
            text
        };
        let taking = std::thread::Builder::new().spawn(take).unwrap();
        send(&Syslog::Tcp(address), &sender, &bundle).unwrap();
        let text = taking.join().unwrap();
        let (count, rest) = text.split_once(' ').unwrap();
        let count: usize = count.parse().unwrap();
        assert!(
            rest[..count].ends_with("begun: the disk fails") && rest[count..].starts_with("2048 <133>1 ")
        );

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        send(&Syslog::Unix(path), &sender, &bundle).unwrap();
        assert_eq!(socket.recv(&mut space).unwrap(), sizes[0]);
        assert!(
            send(&Syslog::Unix(folder.path().join("none")), &sender, &bundle).unwrap_err().contains("none")
        );
    }
}
