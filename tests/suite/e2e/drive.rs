//! Drives in files: mounted, unmounted, pulled. They need root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use amethyst_tests::netns::is_root;

use super::film::files_below;

/// How a drive is mounted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mounted {
    /// ext4 by the kernel, on a loop device.
    Ext4,
    /// exFAT by a FUSE program, on a loop device.
    Exfat,
    /// ext4 by a FUSE program on the file: it can be pulled.
    Pullable,
}

/// A drive of some megabytes; unmounted when dropped.
#[derive(Debug)]
pub(crate) struct Drive {
    image: PathBuf,
    how: Mounted,
    device: Option<String>,
    at: Option<PathBuf>,
}

/// Waits until a run has put some recordings into the archive at `place`.
pub(crate) fn until_a_copy_goes_on(place: &Path) {
    let since = Instant::now();
    let is_recording = |path: &&PathBuf| path.to_string_lossy().contains("/rec/");
    while files_below(place).iter().filter(is_recording).count() < 20 {
        assert!(since.elapsed() < Duration::from_secs(60), "the copy never began");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drive {
    /// Makes an empty drive in the file `image`; `None`, with the reason printed, where that can't be done.
    pub(crate) fn new(image: &Path, megabytes: u64, how: Mounted) -> Option<Self> {
        if !is_root() {
            println!("skipped: needs root for drives of its own");
            return None;
        }
        fs::File::create(image).and_then(|file| file.set_len(megabytes << 20)).expect("a sparse file");
        let (make, words): (&str, &[&str]) = match how {
            Mounted::Ext4 | Mounted::Pullable => ("mkfs.ext4", &["-q", "-F"]),
            Mounted::Exfat => ("mkfs.exfat", &[]),
        };
        let made = Command::new(make).args(words).arg(image).output();
        if !made.is_ok_and(|out| out.status.success()) {
            println!("skipped: {make} is not here, or makes no drive");
            return None;
        }
        Some(Self { image: image.to_owned(), how, device: None, at: None })
    }

    /// Mounts the drive; false, with the reason printed, where that can't be done.
    pub(crate) fn mount(&mut self, at: &Path, read_only: bool) -> bool {
        fs::create_dir_all(at).expect("a mount point");
        let mode = if read_only { "ro" } else { "rw" };
        let mounted = match self.how {
            Mounted::Ext4 => {
                ran("mount", &["-t", "ext4", "-o", &format!("loop,{mode}"), text(&self.image), text(at)])
            }
            Mounted::Pullable => ran("fuse2fs", &[text(&self.image), text(at), "-o", mode]),
            Mounted::Exfat => {
                let out = Command::new("losetup").args(["--find", "--show", text(&self.image)]).output();
                let device = out
                    .ok()
                    .filter(|o| o.status.success())
                    .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
                self.device.clone_from(&device);
                device.is_some_and(|device| ran("mount.exfat-fuse", &["-o", mode, &device, text(at)]))
            }
        };
        if !mounted {
            println!("skipped: a drive can't be mounted here as {:?}", self.how);
            return false;
        }
        self.at = Some(at.to_owned());
        let since = Instant::now();
        while !is_mounted(at) {
            assert!(since.elapsed() < Duration::from_secs(20), "{} was never mounted", at.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Unmounts the drive cleanly.
    pub(crate) fn unmount(&mut self) {
        if let Some(at) = self.at.take() {
            let since = Instant::now();
            while !ran("umount", &[text(&at)]) && since.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(100));
            }
            // The FUSE program writes its last bytes after the mount is gone.
            while self.busy() && since.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        if let Some(device) = self.device.take() {
            ran("losetup", &["--detach", &device]);
        }
    }

    /// Pulls the drive: the program behind it dies at once, and whoever has a file open there gets an error.
    pub(crate) fn pull(&mut self) {
        assert_eq!(self.how, Mounted::Pullable);
        let killed =
            Command::new("pkill").args(["-9", "-f", &format!("fuse2fs {}", text(&self.image))]).status();
        assert!(killed.is_ok_and(|status| status.success()), "the program behind the drive runs");
        let at = self.at.take().expect("it was mounted");
        assert!(ran("umount", &["-l", text(&at)]));
    }

    /// Lets the drive hang: the program behind it does nothing any more, and whoever asks for something there waits.
    pub(crate) fn hang(&self) {
        self.signal("-STOP");
    }

    /// Ends the hang.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, which: &str) {
        assert_eq!(self.how, Mounted::Pullable);
        let sent = ran("pkill", &[which, "-f", &format!("fuse2fs {}", text(&self.image))]);
        assert!(sent, "the program behind the drive runs");
    }

    fn busy(&self) -> bool {
        self.how == Mounted::Pullable && ran("pgrep", &["-f", &format!("fuse2fs {}", text(&self.image))])
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if self.how == Mounted::Pullable {
            // One that hangs would keep the mount busy for ever.
            ran("pkill", &["-CONT", "-f", &format!("fuse2fs {}", text(&self.image))]);
        }
        if let Some(at) = self.at.take() {
            ran("umount", &["-l", text(&at)]);
        }
        if let Some(device) = self.device.take() {
            ran("losetup", &["--detach", &device]);
        }
    }
}

fn is_mounted(at: &Path) -> bool {
    let at = at.canonicalize().unwrap_or_else(|_| at.to_owned());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(text(&at)))
}

fn ran(program: &str, words: &[&str]) -> bool {
    Command::new(program).args(words).output().is_ok_and(|out| out.status.success())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("plain names")
}
