//! Two network namespaces joined by a wire (veth): traffic that is not loopback and never leaves the machine.

use std::ffi::OsStr;
use std::process::Command;

/// Address of the `a` end.
pub const A_IP: &str = "10.77.0.1";
/// Address of the `b` end.
pub const B_IP: &str = "10.77.0.2";

/// Two namespaces, `a` and `b`, and the wire between their interfaces `va` and `vb`. Removed when dropped.
#[derive(Debug)]
pub struct Pair {
    a: String,
    b: String,
}

impl Pair {
    /// Makes both namespaces and their wire. `tag` keeps tests of one process apart; at most 6 letters.
    ///
    /// # Errors
    /// A sentence that begins with `skipped:` if this process may not, or has no `ip`.
    pub fn new(tag: &str) -> Result<Self, String> {
        if !is_root() {
            return Err("skipped: network namespaces need root".to_owned());
        }
        let id = std::process::id();
        let pair = Self { a: format!("amxa-{tag}-{id}"), b: format!("amxb-{tag}-{id}") };
        for command in [
            format!("netns add {}", pair.a),
            format!("netns add {}", pair.b),
            format!("-n {} link add va type veth peer name vb netns {}", pair.a, pair.b),
            format!("-n {} addr add {A_IP}/24 dev va", pair.a),
            format!("-n {} addr add {B_IP}/24 dev vb", pair.b),
            format!("-n {} link set lo up", pair.a),
            format!("-n {} link set lo up", pair.b),
            format!("-n {} link set va up", pair.a),
            format!("-n {} link set vb up", pair.b),
        ] {
            ip(&command).map_err(|e| format!("skipped: ip {command}: {e}"))?;
        }
        Ok(pair)
    }

    /// A command that runs in the namespace of the callers (`va`, [`A_IP`]).
    #[must_use]
    pub fn in_a(&self, program: &str) -> Command {
        inside(&self.a, program)
    }

    /// A command that runs in the namespace of the callees (`vb`, [`B_IP`]).
    #[must_use]
    pub fn in_b(&self, program: &str) -> Command {
        inside(&self.b, program)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for name in [&self.a, &self.b] {
            // One that was never made can't be removed; nothing is lost by that.
            drop(ip(&format!("netns del {name}")));
        }
    }
}

/// A namespace joined by a wire with the one that this process is in. Removed when dropped.
#[derive(Debug)]
pub struct Spoke {
    name: String,
    /// The address of this end.
    pub here: String,
}

impl Spoke {
    /// Makes it; `number` (below 200) tells those of one process apart.
    ///
    /// # Errors
    /// A sentence that begins with `skipped:` if this process may not, or has no `ip`.
    pub fn new(number: u8) -> Result<Self, String> {
        if !is_root() {
            return Err("skipped: network namespaces need root".to_owned());
        }
        let name = format!("amxs{number}-{}", std::process::id());
        let spoke = Self { here: format!("10.78.{number}.1"), name };
        let ns = &spoke.name;
        for command in [
            format!("netns add {ns}"),
            format!("link add vs{number} type veth peer name va netns {ns}"),
            format!("addr add {}/24 dev vs{number}", spoke.here),
            format!("link set vs{number} up"),
            format!("-n {ns} addr add 10.78.{number}.2/24 dev va"),
            format!("-n {ns} link set lo up"),
            format!("-n {ns} link set va up"),
        ] {
            ip(&command).map_err(|e| format!("skipped: ip {command}: {e}"))?;
        }
        Ok(spoke)
    }

    /// A command that runs there.
    #[must_use]
    pub fn run(&self, program: impl AsRef<OsStr>) -> Command {
        inside(&self.name, program)
    }
}

impl Drop for Spoke {
    fn drop(&mut self) {
        drop(ip(&format!("netns del {}", self.name)));
    }
}

/// Whether this process may make namespaces and open raw sockets.
#[must_use]
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}

fn inside(namespace: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

fn ip(arguments: &str) -> Result<(), String> {
    let out = Command::new("ip").args(arguments.split(' ')).output().map_err(|e| e.to_string())?;
    if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).trim().to_owned()) }
}
