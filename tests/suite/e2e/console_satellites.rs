//! Satellites in the console, as an administrator walks through them in Chromium, with a real satellite that records real calls
//! (`server/web/ui/e2e/satellites.mjs`). Each page leaves pictures in `target/console-shots/satellites`.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use super::console::tools_are_there;
use super::serve::{Server, in_background, inside, place, plan};
use super::site::{Site, amethyst};
use crate::workspace::root;

#[test]
fn an_administrator_brings_a_satellite_in_hears_its_call_and_revokes_it() {
    let test = "an_administrator_brings_a_satellite_in_hears_its_call_and_revokes_it";
    if !tools_are_there(&["chromium"]) || !inside("console_satellites", test) {
        return;
    }
    let site = Site::new();
    let central = Server::start_deaf(&site, "127.0.0.1:0");
    let link = central.link.clone().expect("a first link");
    // Calls go on for as long as the walk lasts, so that there is always one to listen to.
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let calls = in_background("calls", move || {
        let mut first = 1;
        while !ended.load(Ordering::Relaxed) {
            let calls = place(&plan(first, 2, 14));
            first += 2;
            sleep(Duration::from_secs(9));
            drop(calls.wait_with_output());
        }
    });
    let shots =
        std::env::var_os("AMETHYST_SHOTS").map_or_else(|| root().join("target/console-shots"), Into::into);
    let shots = shots.join("satellites");
    std::fs::create_dir_all(&shots).expect("a folder for the pictures");
    let walked = Command::new("node")
        .arg("e2e/satellites.mjs")
        .current_dir(root().join("server/web/ui"))
        .env("BASE_URL", format!("https://{}", central.address))
        .env("LINK", format!("https://{}{link}", central.address))
        .env("AMETHYST", amethyst())
        .env("DATA", site.path("satellite"))
        .env("SHOTS", &shots)
        .stdin(Stdio::null())
        .output()
        .expect("node starts");
    over.store(true, Ordering::Relaxed);
    drop(calls.join());
    let told =
        String::from_utf8_lossy(&walked.stdout).into_owned() + &String::from_utf8_lossy(&walked.stderr);
    println!("{told}");
    assert!(walked.status.success(), "{told}\nthe central said:\n{}", central.said());
}
