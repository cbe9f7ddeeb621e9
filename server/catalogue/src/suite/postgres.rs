//! A PostgreSQL of our own: started with the first test that needs it, ended with the process of the tests.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes and starts a server on a socket in its own folder, says where, and removes both when our end of its input closes,
/// however we end.
const SCRIPT: &str = r#"
set -eu
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)"
command -v initdb >/dev/null && command -v pg_ctl >/dev/null || exit 0
D=$(mktemp -d /tmp/amethyst-pg-XXXXXX)
trap 'pg_ctl -D "$D/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$D"' EXIT
initdb -D "$D/data" -A trust -U postgres --locale=C.UTF-8 --encoding=UTF8 -N >/dev/null
pg_ctl -D "$D/data" -w -l "$D/log" -o "-k $D -c listen_addresses= -c fsync=off -c max_connections=200" start >/dev/null
echo "$D"
cat >/dev/null
"#;

struct Server {
    folder: String,
    _input: ChildStdin,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Makes an empty database and returns its address; `None` where there is no PostgreSQL.
pub(super) fn new_database() -> Option<String> {
    let server = SERVER.get_or_init(start).as_ref()?;
    let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let made = Command::new("psql")
        .args(["-h", &server.folder, "-U", "postgres", "-q", "-c", &format!("create database {name}")])
        .status()
        .unwrap();
    assert!(made.success(), "the database {name} is made");
    Some(format!("postgres://postgres@localhost/{name}?host={}", server.folder))
}

fn start() -> Option<Server> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0);
    // PostgreSQL refuses to run as root.
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", SCRIPT]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]);
        command
    };
    let mut child = command.current_dir("/tmp").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut folder = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut folder).ok()?;
    let folder = folder.trim().to_owned();
    (!folder.is_empty()).then_some(Server { folder, _input: child.stdin.take()? })
}
