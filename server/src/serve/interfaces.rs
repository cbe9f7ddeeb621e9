//! The network interfaces of this machine, as the kernel lists them under `/sys/class/net`.

use std::fs;
use std::path::Path;

/// Returns all interfaces by name: whether the link is up, and how many packets came in.
pub(crate) fn all() -> Vec<api::InterfaceInfo> {
    of(Path::new("/sys/class/net"))
}

fn of(folder: &Path) -> Vec<api::InterfaceInfo> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<api::InterfaceInfo> = entries
        .flatten()
        .filter(|entry| entry.path().join("operstate").exists())
        .map(|entry| {
            let read = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
            api::InterfaceInfo {
                name: entry.file_name().to_string_lossy().into_owned(),
                // Loopback and many tunnels say "unknown" while they work.
                up: matches!(read("operstate").trim(), "up" | "unknown"),
                address: Some(read("address").trim().to_owned()).filter(|address| !address.is_empty()),
                packets_seen: read("statistics/rx_packets").trim().parse().unwrap_or(0),
            }
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_its_loopback() {
        assert!(all().iter().any(|interface| interface.name == "lo"), "{:?}", all());
    }
}
