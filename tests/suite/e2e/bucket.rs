//! A bucket to archive to: a real S3 server (`tests/tools/s3.py`) in a process of its own, that can hang, refuse and lie.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::workspace::root;

/// The server, with the bucket `tower`.
#[derive(Debug)]
pub(crate) struct Bucket {
    server: Child,
    port: u16,
}

impl Bucket {
    /// Starts the server; `None`, with the reason printed, where it is not installed. With `lock` its objects can be locked.
    pub(crate) fn new(lock: bool) -> Option<Self> {
        let python = python()?;
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let server = Command::new(python)
            .arg(root().join("tests/tools/s3.py"))
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let bucket = Self { server, port };
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(120), "the S3 server never answered");
            std::thread::sleep(Duration::from_millis(50));
        }
        let locked = if lock { "x-amz-bucket-object-lock-enabled: true\r\n" } else { "" };
        assert_eq!(bucket.ask("PUT", "/tower", locked, b"").0, 200);
        Some(bucket)
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How it behaves from now on; see the script.
    pub(crate) fn be(&self, mode: &str) {
        assert_eq!(self.ask("GET", &format!("/_test/mode?m={mode}"), "", b"").0, 200);
    }

    /// It answers nothing any more, as a machine does whose disk hangs.
    pub(crate) fn hang(&self) {
        self.signal("-STOP");
    }

    /// It goes on.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    /// It is gone, and everything in it.
    pub(crate) fn end(&mut self) {
        self.server.kill().expect("it is ours to kill");
        self.server.wait().expect("it was killed");
    }

    fn signal(&self, which: &str) {
        let sent = Command::new("kill").args([which, &self.server.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {which}");
    }

    /// Names and contents of all objects.
    pub(crate) fn objects(&self) -> Vec<String> {
        let (status, _, body) = self.ask("GET", "/tower?list-type=2", "", b"");
        assert_eq!(status, 200);
        let text = String::from_utf8(body).expect("XML");
        assert!(text.contains("<IsTruncated>false<"), "a test has fewer than a thousand objects");
        let name = |part: &str| part.split_once("</Key>").map(|(name, _)| name.to_owned());
        text.split("<Key>").skip(1).filter_map(name).collect()
    }

    /// Reads an object; its headers, in small letters, and its bytes.
    pub(crate) fn get(&self, name: &str) -> (String, Vec<u8>) {
        let (status, head, body) = self.ask("GET", &format!("/tower/{name}"), "", b"");
        assert_eq!(status, 200, "{name}");
        (head, body)
    }

    /// Puts an object as somebody else, whatever lies there.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        assert_eq!(self.ask("PUT", &format!("/tower/{name}"), "", bytes).0, 200, "{name}");
    }

    /// Deletes one version of an object; the status.
    pub(crate) fn delete(&self, name: &str, version: &str) -> u16 {
        self.ask("DELETE", &format!("/tower/{name}?versionId={version}"), "", b"").0
    }

    /// Copies everything below `prefix` to a folder, as `aws s3 sync` does.
    pub(crate) fn synced(&self, prefix: &str, to: &Path) {
        for name in self.objects() {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let path = to.join(rest);
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("a disk");
            std::fs::write(path, self.get(&name).1).expect("a disk");
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).expect("the S3 server answers");
        line.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nx-test: 1\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            self.port,
            body.len()
        );
        line.write_all(head.as_bytes()).and_then(|()| line.write_all(body)).expect("the S3 server reads");
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).expect("the S3 server answers");
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        assert!(!head.contains("chunked"), "{head}");
        let status = head.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a status");
        (status, head, answer[end + 4..].to_vec())
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// A python with moto: the one that `scripts/setup.sh test` made, or the machine's.
fn python() -> Option<std::path::PathBuf> {
    let target = std::env::current_exe().ok()?;
    let made = target.ancestors().find(|above| above.join("judges").is_dir());
    let candidates = made.map(|target| target.join("judges/bin/python")).into_iter();
    let found = candidates.chain(["python3".into()]).find(|python| {
        let tried = Command::new(python).args(["-c", "import moto.server, flask_cors"]).output();
        tried.is_ok_and(|out| out.status.success())
    });
    if found.is_none() {
        println!("skipped: no python with moto[server] (scripts/setup.sh test installs it)");
    }
    found
}
