//! Alarms reach people: a real mail server, a webhook and a syslog hear of what goes wrong, also after they were away.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::serve::{Server, inside, metric, until};
use super::site::{Site, run};
use crate::workspace::root;

/// A mail server: aiosmtpd, with STARTTLS and a password.
pub(super) struct Post {
    child: Child,
    folder: PathBuf,
}

impl Post {
    /// Whether there is one on this machine.
    pub(super) fn is_there() -> bool {
        let asked =
            Command::new("/usr/bin/python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        let is_there = asked.is_ok_and(|status| status.success());
        if !is_there {
            println!("skipped: needs python3-aiosmtpd");
        }
        is_there
    }

    /// Starts it with the site's own certificate.
    pub(super) fn open(site: &Site, port: u16) -> Self {
        Self::open_in(site, port, "mail")
    }

    /// The same, with its letters in a folder of that name.
    pub(super) fn open_in(site: &Site, port: u16, name: &str) -> Self {
        let folder = Path::new(site.path(name)).to_owned();
        fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| format!("{}/{name}", site.data());
        let mut child = Command::new("/usr/bin/python3")
            .arg(root().join("tests/tools/smtp.py"))
            .args([port.to_string(), at("site/tls.pem"), at("keys/tls.key")])
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, folder }
    }

    pub(super) fn letters(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "eml"));
        files.sort();
        // Lines that the mail's encoding broke are whole again.
        let whole = |text: String| text.replace("=\r\n", "").replace("=\n", "");
        files.iter().map(|path| whole(fs::read_to_string(path).unwrap())).collect()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Answers every POST with 204 and hands its body on.
fn hook() -> (u16, Receiver<Value>) {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = door.local_addr().unwrap().port();
    let (tell, told) = channel();
    let serve = move || {
        for stream in door.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").unwrap();
            drop(tell.send(serde_json::from_slice(&body).unwrap()));
        }
    };
    std::thread::Builder::new().spawn(serve).unwrap();
    (port, told)
}

pub(super) fn configure(site: &Site, more: &str) {
    let file = Path::new(site.data()).join("amethyst.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + more).unwrap();
}

pub(super) fn mail_block(site: &Site, port: u16, password: &str) -> String {
    let secret = site.path("secret");
    fs::write(secret, format!("{password}\n")).unwrap();
    format!(
        "\n[[alarm]]\nname = \"operations\"\nkind = \"mail\"\nserver = \"localhost\"\nport = {port}\nuser = \"amethyst\"\n\
         password_file = \"{secret}\"\nca_file = \"{}/site/tls.pem\"\nfrom = \"Recorder <amethyst@example.org>\"\n\
         to = [\"ops@example.org\", \"duty@example.org\"]\n",
        site.data()
    )
}

#[test]
fn what_goes_wrong_is_told_by_mail_webhook_and_syslog_and_mail_that_was_away_gets_it_later() {
    if !inside(
        "alarms",
        "what_goes_wrong_is_told_by_mail_webhook_and_syslog_and_mail_that_was_away_gets_it_later",
    ) {
        return;
    }
    if !Post::is_there() {
        return;
    }
    let site = Site::new();
    let (hook_port, hooked) = hook();
    let syslog = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mail_port = free_port();
    configure(
        &site,
        &format!(
            "{}\n[[alarm]]\nname = \"pager\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{hook_port}/in\"\nseverity = \"urgent\"\n\
             [[alarm]]\nname = \"log host\"\nkind = \"syslog\"\naddress = \"udp://{}\"\n\
             [[tap]]\nname = \"ghost\"\ninterface = \"ghost0\"\n",
            mail_block(&site, mail_port, "open sesame"),
            syslog.local_addr().unwrap()
        ),
    );
    // Nobody takes mail yet.
    let (server, mut admin) = Server::signed_in(&site);
    let message = until("the webhook hears of it", || {
        let told = hooked.try_recv().ok()?;
        let all = told["messages"].as_array().unwrap().clone();
        all.into_iter()
            .find(|message| message["text"].as_str().unwrap().contains("nothing is recorded on ghost0"))
    });
    assert_eq!((&message["what"], &message["severity"]), (&"alarm".into(), &"urgent".into()));
    let mut space = [0; 4_096];
    until("the syslog hears of it", || {
        let n = syslog.recv(&mut space).unwrap();
        let line = String::from_utf8_lossy(&space[..n]).into_owned();
        assert!(line.starts_with("<129>1 "), "{line}");
        line.contains("ghost0").then_some(())
    });
    until("the mail waits", || {
        (metric(&mut admin, "amethyst_alarm_way_waiting{way=\"operations\"}") > 0).then_some(())
    });
    until("it is said", || server.said().contains("alarms cannot be sent by operations").then_some(()));

    let post = Post::open(&site, mail_port);
    let about = |letter: &String| letter.contains("ghost0");
    let letter = until("the mail arrives after all", || post.letters().into_iter().find(about));
    assert!(letter.contains("To: ops@example.org,duty@example.org"), "{letter}");
    assert!(letter.contains("URGENT"), "{letter}");
    assert_eq!(metric(&mut admin, "amethyst_alarm_way_up{way=\"operations\"}"), 1);

    // A test, while the server runs; and with a password that is none.
    let ran = run(&["alarm", "test", "--data", site.data()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out.matches(": sent").count(), 3, "{ran:?}");
    until("the test arrives", || {
        (post.letters().iter().any(|letter| letter.contains("This is a test"))).then_some(())
    });
    fs::write(site.path("secret"), "guessed\n").unwrap();
    let ran = run(&["alarm", "test", "--data", site.data(), "--name", "operations", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &told[0]["sent"]), (Some(1), &false.into()), "{ran:?}");
    assert!(told[0]["error"].as_str().unwrap().contains("535"), "{ran:?}");
    drop(server.end());
}

#[test]
fn a_way_that_makes_no_sense_is_refused_and_none_at_all_is_said() {
    let site = Site::new();
    run(&["alarm", "test", "--data", site.data()]).refused(2, &["[[alarm]]", "docs/ref/alarms.md"]);
    configure(&site, "\n[[alarm]]\nname = \"x\"\nkind = \"pigeon\"\n");
    run(&["alarm", "test", "--data", site.data()]).refused(2, &["amethyst.toml", "mail, webhook or syslog"]);
}
